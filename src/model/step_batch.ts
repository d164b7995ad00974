import type { Gpu } from "../gpu/gpu.ts";
import { controlWords, laneOffset, laneWords } from "../kernels/control.ts";
import { chosenIds } from "../kernels/sample.ts";
import type { Llama } from "./llama.ts";
import { Results } from "./results.ts";
import type { LaneRow, Sequence } from "./sequence.ts";
import { MAX_CHUNK } from "./state.ts";

/** A sequence that goes on, and the token that it goes on with. */
export interface BatchStep {
  /** The sequence; nobody else may use it meanwhile. */
  sequence: Sequence;
  /** The last token that was chosen. */
  id: number;
}

/**
 * Steps of several sequences at once: each reads the weights for all of them.
 * What comes of one does not depend on the others, to the bit.
 */
export class StepBatch implements Disposable {
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #results: Results;

  /**
   * Creates a {@linkcode StepBatch}.
   *
   * @param gpu The device.
   * @param llama The model, made wide.
   */
  constructor(gpu: Gpu, llama: Llama) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#results = new Results(gpu, llama);
  }

  /**
   * Takes steps of all sequences.
   *
   * @param steps The sequences, at most `MAX_STEPS`, and their last tokens.
   * @param most Tokens that are wanted of each, as far as they can be read back
   * at once.
   * @returns The tokens that each one chose, or why it could not.
   */
  async run(
    steps: readonly BatchStep[],
    most: number,
  ): Promise<(number[] | Error)[]> {
    const count = Math.min(most, Math.floor(MAX_CHUNK / steps.length));
    const rows = steps.map(({ sequence }, lane) => sequence.join(lane));
    const { queue } = this.#gpu.device;
    const { control } = this.#llama.state;
    queue.writeBuffer(
      control,
      0,
      controlWords({
        ids: steps.map(({ id }) => id),
        position: 0, // each has its own
        headFirst: 0,
        headRows: steps.length,
      }),
    );
    queue.writeBuffer(
      control,
      laneOffset(control, 0),
      laneWords(rows.map(({ position, chosen }, first) => ({
        ...{ rows: 1, position, first, chosen },
        chosenAt: first * count,
      }))),
    );
    queue.submit([this.#encode(rows, count)]);
    const words = await this.#results.words(steps.length * count);
    return steps.map(({ sequence, id }, i) => {
      try {
        const chosen = chosenIds(words.subarray(i * count, (i + 1) * count));
        sequence.noteSteps([id], chosen);
        return chosen;
      } catch (error) {
        return error as Error; // the others go on
      }
    });
  }

  /** Frees what is read back to. */
  [Symbol.dispose](): void {
    this.#results[Symbol.dispose]();
  }

  #encode(rows: readonly LaneRow[], count: number): GPUCommandBuffer {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder({ label: "step_batch" });
    const pass = encoder.beginComputePass({ label: "step_batch" });
    for (let step = 0; step < count; step++) {
      const parts = rows.map(({ attention, position }) => ({
        ...{ attention, rows: 1, position: position + step },
      }));
      this.#llama.forward(pass, { kind: "step", parts });
      this.#llama.head(pass, rows.length, "step");
      for (const { choose } of rows) choose(pass);
    }
    pass.end();
    const { chosen } = this.#llama.state;
    const bytes = 4 * rows.length * count;
    const { idsBuffer } = this.#results;
    encoder.copyBufferToBuffer(chosen, 0, idsBuffer, 0, bytes);
    return encoder.finish({ label: "step_batch" });
  }
}
