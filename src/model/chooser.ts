import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { type Biases, createBiasBuffer, writeBiases } from "../kernels/bias.ts";
import { laneOffset } from "../kernels/control.ts";
import {
  type BoundSample,
  createSampleBuffers,
  type SampleBuffers,
  type SampleShape,
  writeLane,
  writeRule,
} from "../kernels/sample.ts";
import { ARGMAX_RULE, type SampleRule } from "../kernels/sample_cpu.ts";
import type { Llama } from "./llama.ts";
import { MaskedChoice, type SubmitOptions } from "./masked_choice.ts";

/** How tokens are chosen. */
export interface Choice {
  /** The rule. */
  rule: SampleRule;
  /** Whether the rule is to take the most likely token as it is. */
  isArgmax: boolean;
  /** What is added to logits before. Defaults to nothing. */
  biases?: Biases | undefined;
}

/** What the choice of one sequence's tokens reads and keeps. */
export interface ChoiceBuffers {
  /** The sampler's own. */
  readonly own: SampleBuffers;
  /** What is added to logits. */
  readonly biases: GPUBuffer;
}

/** Allocates what a {@linkcode Chooser} keeps. */
export function createChoiceBuffers(
  pool: BufferPool,
  shape: SampleShape,
): ChoiceBuffers {
  return {
    own: createSampleBuffers(pool, shape),
    biases: createBiasBuffer(pool, shape.size),
  };
}

/** Chooses the tokens of one sequence on the GPU: at first, the most likely. */
export class Chooser implements Disposable {
  readonly #device: GPUDevice;
  readonly #llama: Llama;
  /** Owns the buffers of a mask: where they do not fit, all else stays. */
  readonly #maskPool: BufferPool;
  readonly #shape: SampleShape;
  readonly #buffers: SampleBuffers;
  readonly #kernels: BoundSample;
  readonly #control: GPUBuffer;
  readonly #biases: GPUBuffer;
  readonly #bias: BoundKernel;
  #isArgmax = true;
  #isBiased = false;
  #lane = 0;
  #masked: MaskedChoice | undefined;

  /**
   * Creates a {@linkcode Chooser}.
   *
   * @param gpu The device.
   * @param llama The model, whose logits it reads.
   * @param pool The owner of its buffers.
   */
  constructor({ device }: Gpu, llama: Llama, pool: BufferPool) {
    const { logits, control, chosen } = llama.state;
    this.#device = device;
    this.#control = control;
    this.#llama = llama;
    this.#maskPool = new BufferPool(device);
    this.#shape = {
      size: llama.tokens,
      stride: llama.config.vocabularySize,
      context: llama.context,
    };
    const { own, biases } = createChoiceBuffers(pool, this.#shape);
    this.#buffers = own;
    this.#biases = biases;
    this.#kernels = llama.sample.bind({ logits, control, chosen, own });
    this.#bias = llama.bias.bind({ logits, control, own, biases });
    this.set({ rule: ARGMAX_RULE, isArgmax: true });
  }

  /** What commands that choose depend on. */
  get variant(): string {
    return `${this.#isBiased ? "bias+" : ""}${
      this.#isArgmax ? "argmax" : "sample"
    }`;
  }

  /** The choice among some tokens; see {@linkcode Chooser.prepareMask}. */
  get masked(): MaskedChoice {
    return this.#masked!;
  }

  /**
   * Submits the choice of one token.
   *
   * @param allowed Which may come, a bit for each.
   * @param options What went before, and where the id goes.
   */
  chooseAmong(
    allowed: Uint32Array<ArrayBuffer>,
    options: Omit<SubmitOptions, "choose" | "isBiased">,
  ): void {
    this.masked.submit(allowed, {
      ...options,
      choose: this.#isArgmax ? "argmax" : "sample",
      isBiased: this.#isBiased,
    });
  }

  /** Makes it ready to choose among some tokens, when that is first asked for. */
  async prepareMask(): Promise<void> {
    if (this.#masked !== undefined) return;
    const masked = await MaskedChoice.create(this.#device, {
      llama: this.#llama,
      pool: this.#maskPool,
      own: this.#buffers,
      biases: this.#biases,
    });
    this.#masked ??= masked;
  }

  /** Bytes of GPU memory besides those of the pool. */
  get bytes(): number {
    return this.#maskPool.bytes;
  }

  /** Frees what is not the pool's. */
  [Symbol.dispose](): void {
    this.#maskPool[Symbol.dispose]();
  }

  /** The kernel that chooses, and what goes before it. */
  get kernel(): BoundKernel {
    const choose = this.#isArgmax ? this.#kernels.argmax : this.#kernels.sample;
    if (!this.#isBiased) return choose;
    return (pass) => {
      this.#bias(pass);
      choose(pass);
    };
  }

  /**
   * Sets how tokens are chosen.
   *
   * @param choice The rule.
   * @param history Tokens that went before, for penalties. Defaults to none.
   */
  set(
    { rule, isArgmax, biases }: Choice,
    history: readonly number[] = [],
  ): void {
    this.#isArgmax = isArgmax;
    this.#isBiased = biases !== undefined;
    const shape = this.#shape;
    const lane = this.#lane;
    writeRule(this.#device, this.#buffers, { shape, rule, history, lane });
    if (biases !== undefined) {
      writeBiases(this.#device, this.#biases, biases, shape.size);
    }
  }

  /**
   * Sets for which part of a batch the next tokens are chosen.
   *
   * @param lane The part; `undefined` where the batch is all of one.
   */
  setLane(lane: number | undefined): void {
    const word = lane === undefined ? 0 : laneOffset(this.#control, lane) / 4;
    if (word === this.#lane) return;
    this.#lane = word;
    writeLane(this.#device, this.#buffers, word);
  }
}
