import { formatBytes } from "../system/format_bytes.ts";

export { formatBytes };

/** Error thrown when the GPU has no room for a buffer. */
export class GpuMemoryError extends Error {
  /** Bytes that were asked for when it failed. */
  readonly requested: number;

  /**
   * Creates a {@linkcode GpuMemoryError}.
   *
   * @param what What the memory was for.
   * @param requested Bytes asked for.
   * @param known Bytes that its owner has allocated before, or that the system
   * has free where the GPU is a software one; or all that there is to say.
   */
  constructor(
    what: string,
    requested: number,
    known: { allocated: number } | { free: number } | { message: string },
  ) {
    super(
      "message" in known
        ? known.message
        : `Cannot allocate ${what}: ${describeLack(requested, known)}`,
    );
    this.name = "GpuMemoryError";
    this.requested = requested;
  }
}

function describeLack(
  requested: number,
  known: { allocated: number } | { free: number },
): string {
  const wanted = formatBytes(requested);
  return "free" in known
    ? `the software GPU needs ${wanted} of memory, ${
      formatBytes(known.free)
    } are free`
    : `the GPU has no room for ${wanted} beside the ${
      formatBytes(known.allocated)
    } in use`;
}

/** The bits of `value` as an f32, for a uniform buffer's words. */
export function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** Options for {@linkcode BufferPool.create}. */
export interface CreateBufferOptions {
  /** Name shown in errors and GPU captures. */
  label: string;
  /** Size in bytes, rounded up to a multiple of 16. */
  size: number;
  /** Usage flags. Defaults to `STORAGE | COPY_DST | COPY_SRC`. */
  usage?: number;
}

/**
 * The buffers of one owner, freed together.
 *
 * WebGPU reports a failed allocation late and elsewhere, so a pool keeps error
 * scopes open: call {@linkcode BufferPool.check} after a group of allocations
 * and before their first use.
 */
export class BufferPool implements Disposable {
  readonly #device: GPUDevice;
  readonly #buffers: GPUBuffer[] = [];
  readonly #uniforms = new Map<string, GPUBuffer>();
  #pending = 0;
  #bytes = 0;

  /**
   * Creates an empty pool.
   *
   * @param device The device to allocate on.
   */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes allocated and not freed. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Allocates a buffer of zeros.
   *
   * @param options Its label, size and usage.
   * @returns The buffer; whether it is valid is known after `check()`.
   * @throws {RangeError} If it is larger than the device's largest buffer.
   */
  create(options: CreateBufferOptions): GPUBuffer {
    const {
      label,
      size,
      usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
        GPUBufferUsage.COPY_SRC,
    } = options;
    const rounded = Math.max(16, Math.ceil(size / 16) * 16);
    const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (rounded > limit) {
      throw new RangeError(
        `Cannot allocate ${label}: it takes ${formatBytes(rounded)}, at most ${
          formatBytes(limit)
        } fit into one binding of this device`,
      );
    }
    if (this.#pending === 0) {
      this.#device.pushErrorScope("validation");
      this.#device.pushErrorScope("out-of-memory");
    }
    const buffer = this.#device.createBuffer({ label, size: rounded, usage });
    this.#buffers.push(buffer);
    this.#pending += rounded;
    return buffer;
  }

  /**
   * Returns a uniform buffer with these words, the same one for the same words.
   *
   * @param words The parameters as 32-bit words; see {@linkcode floatBits}.
   * @returns The buffer, padded to whole 16 bytes.
   */
  uniform(words: readonly number[]): GPUBuffer {
    const key = words.join();
    let buffer = this.#uniforms.get(key);
    if (buffer === undefined) {
      buffer = this.create({
        label: "params",
        size: 4 * words.length,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      this.#device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
      this.#uniforms.set(key, buffer);
    }
    return buffer;
  }

  /**
   * Makes sure that the buffers created since the last call exist.
   *
   * @param what What they are for, as errors call it.
   * @throws {GpuMemoryError} If the GPU ran out of memory; the pool is freed.
   */
  async check(what: string): Promise<void> {
    if (this.#pending === 0) return;
    const requested = this.#pending;
    this.#pending = 0;
    // The out-of-memory scope tells the cause; the other one only follows.
    // Both are taken before anything else can open one of its own.
    const [memory, other] = await Promise.all([
      this.#device.popErrorScope(),
      this.#device.popErrorScope(),
    ]);
    const before = this.#bytes;
    this.#bytes += requested;
    if (memory !== null) {
      this[Symbol.dispose]();
      throw new GpuMemoryError(what, requested, { allocated: before });
    }
    if (other !== null) {
      this[Symbol.dispose]();
      throw new Error(`Cannot allocate ${what}: ${other.message}`);
    }
  }

  /** Frees every buffer. */
  [Symbol.dispose](): void {
    if (this.#pending > 0) {
      this.#device.popErrorScope().catch(() => {});
      this.#device.popErrorScope().catch(() => {});
      this.#pending = 0;
    }
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.length = 0;
    this.#uniforms.clear();
    this.#bytes = 0;
  }
}
