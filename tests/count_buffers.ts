/** The GPU buffers of a program, as they come and go. */
export interface BufferCount {
  /** Bytes of those that are there, by label. */
  readonly live: ReadonlyMap<string, number>;
  /** Bytes of all that are there. */
  readonly liveBytes: number;
  /** The most bytes that were there at a time. */
  readonly peakBytes: number;
}

/** Options for {@linkcode countBuffers}. */
export interface CountBuffersOptions {
  /**
   * Buffers of more bytes are only counted: what is created in their place is of
   * so many bytes, and what is written to them is dropped. Defaults to
   * `Infinity`: all are real.
   */
  thin?: number;
}

/**
 * Counts the buffers that are created while `fn` runs, on any device.
 *
 * @param fn Creates them; it may look at the count at any time.
 * @param options Which are real.
 * @returns What `fn` returns.
 */
export async function countBuffers<T>(
  fn: (count: BufferCount) => Promise<T>,
  { thin = Infinity }: CountBuffersOptions = {},
): Promise<T> {
  const ledger = new Ledger();
  const device = GPUDevice.prototype;
  const { createBuffer, destroy } = device;
  const { destroy: destroyBuffer } = GPUBuffer.prototype;
  const { writeBuffer } = GPUQueue.prototype;
  device.createBuffer = function (descriptor) {
    const size = Math.min(thin, descriptor.size);
    const buffer = createBuffer.call(this, { ...descriptor, size });
    ledger.add(this, buffer, descriptor);
    if (size < descriptor.size) {
      // What allocates asks a buffer for its size.
      Object.defineProperty(buffer, "size", { value: descriptor.size });
    }
    return buffer;
  };
  device.destroy = function () {
    ledger.dropAll(this);
    destroy.call(this);
  };
  GPUBuffer.prototype.destroy = function () {
    ledger.drop(this);
    destroyBuffer.call(this);
  };
  GPUQueue.prototype.writeBuffer = function (...args) {
    if (args[0].size <= thin) writeBuffer.apply(this, args);
  };
  try {
    return await fn(ledger);
  } finally {
    device.createBuffer = createBuffer;
    device.destroy = destroy;
    GPUBuffer.prototype.destroy = destroyBuffer;
    GPUQueue.prototype.writeBuffer = writeBuffer;
  }
}

class Ledger implements BufferCount {
  readonly #buffers = new Map<
    GPUBuffer,
    { device: GPUDevice; label: string; size: number }
  >();
  peakBytes = 0;

  add(
    device: GPUDevice,
    buffer: GPUBuffer,
    { label = "", size }: GPUBufferDescriptor,
  ): void {
    this.#buffers.set(buffer, { device, label, size });
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
  }

  drop(buffer: GPUBuffer): void {
    this.#buffers.delete(buffer);
  }

  dropAll(device: GPUDevice): void {
    for (const [buffer, { device: its }] of this.#buffers) {
      if (its === device) this.#buffers.delete(buffer);
    }
  }

  get liveBytes(): number {
    return this.#buffers.values().reduce((sum, { size }) => sum + size, 0);
  }

  get live(): Map<string, number> {
    const bytes = new Map<string, number>();
    for (const { label, size } of this.#buffers.values()) {
      bytes.set(label, (bytes.get(label) ?? 0) + size);
    }
    return bytes;
  }
}
