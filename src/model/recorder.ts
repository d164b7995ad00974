import type { RowKind } from "../kernels/batch.ts";
import type { Chooser } from "./chooser.ts";
import { batchOf, type BoundAttention, type Llama } from "./llama.ts";
import type { Results } from "./results.ts";

/** Most chunks that wait for their turn. */
const MOST_ENCODED = 8;

/** One submission: what it computes, and what is read back. */
export interface Work {
  /** Ids of the rows. */
  ids: readonly number[];
  /** How they are added up. */
  kind: RowKind;
  /** Last rows whose logits are wanted, and how those are added up. */
  head: { rows: number; kind: RowKind };
  /**
   * What is done with the logits: `"keep"` keeps those of one row for a choice
   * among some tokens, `"nothing"` is where there are none.
   */
  then: "choose" | "keep" | "logits" | "nothing";
  /** Whether it is chosen among some tokens. Defaults to `false`. */
  isMasked?: boolean;
  /** Steps, which go on with what was chosen. Defaults to 1. */
  steps?: number;
}

/** Where a sequence's steps read and write. */
export interface RecorderOptions {
  /** The device. */
  device: GPUDevice;
  /** The model. */
  llama: Llama;
  /** Attention of every layer, bound to the sequence's cache. */
  attention: readonly BoundAttention[];
  /** The choice of the sequence's tokens. */
  chooser: Chooser;
  /** What is read back is copied here. */
  results: Results;
}

/** Encodes the steps of a sequence, also before their turn. */
export class Recorder {
  readonly #options: RecorderOptions;
  // By what commands depend on. Those that a text ended before are there for the
  // next one: nothing else would free them before the next garbage collection.
  readonly #encoded = new Map<string, GPUCommandBuffer>();

  /**
   * Creates a {@linkcode Recorder}.
   *
   * @param options The sequence's parts.
   */
  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /**
   * Gives the commands of a piece of work, encoded ahead or now; they can be
   * submitted once.
   *
   * @param work The work.
   * @param position Where it begins.
   */
  take(work: Work, position: number): GPUCommandBuffer {
    const key = this.#keyOf(work, position);
    const commands = this.#encoded.get(key) ?? this.#encode(work, position);
    this.#encoded.delete(key);
    return commands;
  }

  /**
   * Encodes what is likely to come, while the GPU is busy.
   *
   * @param work Work whose rows are steps.
   * @param position Where it begins.
   */
  prepare(work: Work, position: number): void {
    const key = this.#keyOf(work, position);
    if (this.#encoded.has(key)) return;
    this.#encoded.set(key, this.#encode(work, position));
    if (this.#encoded.size <= MOST_ENCODED) return;
    const [oldest] = this.#encoded.keys();
    this.#encoded.delete(oldest!);
  }

  /** Forgets what was encoded ahead. */
  clear(): void {
    this.#encoded.clear();
  }

  /** What the commands of a piece of work depend on. */
  #keyOf(
    { ids, kind, head, then, isMasked = false, steps = 1 }: Work,
    position: number,
  ): string {
    if (kind === "prompt") return ""; // it is not encoded ahead
    const { llama, chooser } = this.#options;
    const parts = [llama.partsAt({ rows: ids.length, position })];
    for (let step = 1; step < steps; step++) {
      const next = position + ids.length + step - 1;
      parts.push(llama.partsAt({ rows: 1, position: next }));
    }
    const how = [then, isMasked, chooser.variant];
    return [ids.length, head.rows, ...how, ...parts].join();
  }

  #encode(
    { ids, kind, head, then, isMasked = false, steps = 1 }: Work,
    position: number,
  ): GPUCommandBuffer {
    const { device, llama, attention, chooser } = this.#options;
    const choose = chooser.kernel;
    const encoder = device.createCommandEncoder({ label: "step" });
    const pass = encoder.beginComputePass({ label: "step" });
    const rows = { rows: ids.length, position, kind };
    llama.forward(pass, batchOf(rows, attention));
    if (head.rows > 0) llama.head(pass, head.rows, head.kind);
    if (isMasked) chooser.masked.mask(pass);
    if (then === "choose") {
      for (let row = 0; row < head.rows; row++) choose(pass);
    }
    for (let step = 1; step < steps; step++) {
      const next = position + ids.length + step - 1;
      const row = { rows: 1, position: next, kind: "step" } as const;
      llama.forward(pass, batchOf(row, attention));
      llama.head(pass, 1, "step");
      if (isMasked) chooser.masked.mask(pass);
      choose(pass);
    }
    pass.end();
    this.#copy(encoder, { then, count: head.rows + steps - 1 });
    return encoder.finish({ label: "step" });
  }

  /** Copies what is read back; of nothing a word all the same, to wait for. */
  #copy(
    encoder: GPUCommandEncoder,
    { then, count }: { then: Work["then"]; count: number },
  ): void {
    const { llama: { state, config }, results, chooser } = this.#options;
    if (then === "keep") {
      chooser.masked.keep(encoder, state.logits);
      return;
    }
    const [source, target, words] = then === "logits"
      ? [state.logits, results.logitsBuffer, count * config.vocabularySize]
      : [state.chosen, results.idsBuffer, Math.max(1, count)];
    encoder.copyBufferToBuffer(source, 0, target, 0, 4 * words);
  }
}
