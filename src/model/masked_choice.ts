import type { BufferPool } from "../gpu/buffers.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { controlWords } from "../kernels/control.ts";
import type { BoundSample, SampleBuffers } from "../kernels/sample.ts";
import type { Llama } from "./llama.ts";

/** What a {@linkcode MaskedChoice} belongs to. */
export interface MaskedChoiceOptions {
  /** The model. */
  llama: Llama;
  /** The owner of its buffers. */
  pool: BufferPool;
  /** The sampler's own buffers. */
  own: SampleBuffers;
  /** What is added to logits; see `bias.ts`. */
  biases: GPUBuffer;
}

/** Options for {@linkcode MaskedChoice.submit}. */
export interface SubmitOptions {
  /** Whether the best one is taken, or the rule followed. */
  choose: keyof BoundSample;
  /** Whether biases are added before. */
  isBiased: boolean;
  /** Tokens in the cache. */
  position: number;
  /** Tokens that were chosen before. */
  chosen: number;
  /** Where the id is copied to. */
  target: GPUBuffer;
}

/**
 * Chooses among the tokens that may come. The CPU finds those out while the GPU
 * is at the logits: they are kept in a copy, as other sequences may run between
 * the pass and the choice.
 */
export class MaskedChoice {
  readonly #device: GPUDevice;
  readonly #llama: Llama;
  readonly #logits: GPUBuffer; // [vocabularySize] f32
  readonly #allowed: GPUBuffer; // [ceil(tokens / 32)] u32
  readonly #maskKept: BoundKernel;
  readonly #maskOwn: BoundKernel;
  readonly #bias: BoundKernel;
  readonly #sample: BoundSample;
  /** What is in `#allowed`. */
  #last: Uint32Array | undefined;

  private constructor(
    device: GPUDevice,
    options: {
      llama: Llama;
      logits: GPUBuffer;
      allowed: GPUBuffer;
      maskKept: BoundKernel;
      maskOwn: BoundKernel;
      bias: BoundKernel;
      sample: BoundSample;
    },
  ) {
    this.#device = device;
    this.#llama = options.llama;
    this.#logits = options.logits;
    this.#allowed = options.allowed;
    this.#maskKept = options.maskKept;
    this.#maskOwn = options.maskOwn;
    this.#bias = options.bias;
    this.#sample = options.sample;
  }

  /**
   * Compiles what it needs, and allocates its buffers.
   *
   * @param device The device.
   * @param options What it belongs to.
   * @throws {GpuMemoryError} If the GPU has no room.
   */
  static async create(
    device: GPUDevice,
    { llama, pool, own, biases }: MaskedChoiceOptions,
  ): Promise<MaskedChoice> {
    const kernel = await llama.mask();
    const { control, chosen } = llama.state;
    const { params } = own;
    const logits = pool.create({
      label: "masked.logits",
      size: 4 * llama.config.vocabularySize,
    });
    const allowed = pool.create({
      label: "masked.allowed",
      size: 4 * Math.ceil(llama.tokens / 32),
    });
    const bind = (logits: GPUBuffer) =>
      kernel.bind({ logits, control, params, allowed }, llama.tokens);
    const maskKept = bind(logits);
    const maskOwn = bind(llama.state.logits);
    const bias = llama.bias.bind({ logits, control, own, biases });
    const sample = llama.sample.bind({ logits, control, chosen, own });
    await pool.check("the buffers of a mask");
    return new MaskedChoice(device, {
      llama,
      logits,
      allowed,
      maskKept,
      maskOwn,
      bias,
      sample,
    });
  }

  /** Records that the first row of some logits is kept. */
  keep(encoder: GPUCommandEncoder, logits: GPUBuffer): void {
    const { size } = this.#logits;
    encoder.copyBufferToBuffer(logits, 0, this.#logits, 0, size);
  }

  /** Sets which tokens may come; the same array has the same ones. */
  allow(allowed: Uint32Array<ArrayBuffer>): void {
    if (allowed === this.#last) return;
    this.#last = allowed;
    this.#device.queue.writeBuffer(this.#allowed, 0, allowed);
  }

  /** Records that tokens are forbidden in the logits of the pass before it. */
  mask(pass: GPUComputePassEncoder): void {
    this.#maskOwn(pass);
  }

  /**
   * Submits the choice of one token by the logits that were kept.
   *
   * @param allowed A bit for each token.
   * @param options How, and where to.
   */
  submit(
    allowed: Uint32Array<ArrayBuffer>,
    { choose, isBiased, position, chosen, target }: SubmitOptions,
  ): void {
    const { queue } = this.#device;
    const { control, chosen: ids } = this.#llama.state;
    const words = controlWords({
      ids: [0],
      position,
      headFirst: 0,
      headRows: 1,
      chosen,
    });
    queue.writeBuffer(control, 0, words);
    this.allow(allowed);
    const encoder = this.#device.createCommandEncoder({ label: "masked" });
    const pass = encoder.beginComputePass({ label: "masked" });
    if (isBiased) this.#bias(pass);
    this.#maskKept(pass);
    this.#sample[choose](pass);
    pass.end();
    encoder.copyBufferToBuffer(ids, 0, target, 0, 4);
    queue.submit([encoder.finish({ label: "masked" })]);
  }
}
