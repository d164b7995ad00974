/** Bytes on their way from the GPU to JavaScript. */
export interface Readback {
  /** The buffer to copy results into, `COPY_DST`. */
  readonly buffer: GPUBuffer;
  /**
   * Waits for everything submitted so far and returns the first `bytes` bytes.
   *
   * Where {@linkcode Gpu.syncReadback} holds this blocks until the GPU is done
   * and the promise is already resolved: an awaited `mapAsync` costs 10 ms more
   * in Deno.
   */
  read(bytes: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** Options for {@linkcode createReadback}. */
export interface CreateReadbackOptions {
  /** Capacity in bytes, a multiple of 4. */
  size: number;
  /** Whether to read in the same tick; see `Gpu.syncReadback`. */
  sync: boolean;
}

/**
 * Creates a staging buffer for results.
 *
 * @param device The device to read from.
 * @param options Capacity and way of reading.
 * @returns The staging buffer and its reader.
 */
export function createReadback(
  device: GPUDevice,
  options: CreateReadbackOptions,
): Readback {
  const { size, sync } = options;
  // Deno aborts the process when getMappedRange() is called on a buffer whose
  // first mapping was not awaited; mappedAtCreation is such a first mapping.
  const buffer = device.createBuffer({
    label: "readback",
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    mappedAtCreation: true,
  });
  buffer.unmap();
  const take = (bytes: number) => {
    // A copy, as unmap() detaches the range.
    const copy = buffer.getMappedRange(0, bytes).slice(0);
    buffer.unmap();
    return copy;
  };
  return {
    buffer,
    read(bytes) {
      const mapped = buffer.mapAsync(GPUMapMode.READ, 0, bytes);
      if (!sync) return mapped.then(() => take(bytes));
      mapped.catch(() => {}); // unmap() below rejects it
      return take(bytes);
    },
  };
}

/**
 * Proves that a buffer can be read in the tick it is mapped in.
 *
 * This leans on Deno: `mapAsync()` there returns once the GPU is done, with the
 * buffer mapped. Elsewhere `getMappedRange()` throws, and the answer is no.
 *
 * @param device The device to probe.
 * @returns Whether three different values came back right.
 */
export async function probeSyncReadback(device: GPUDevice): Promise<boolean> {
  const source = device.createBuffer({
    label: "readback.canary",
    size: 16,
    usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  const readback = createReadback(device, { size: 16, sync: true });
  try {
    for (const seed of [0x5e7a9b00, 0x0c0ffee0, 0x7fffffff]) {
      const expected = Uint32Array.from({ length: 4 }, (_, i) => seed ^ i);
      device.queue.writeBuffer(source, 0, expected);
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(source, 0, readback.buffer, 0, 16);
      device.queue.submit([encoder.finish()]);
      const actual = new Uint32Array(await readback.read(16));
      if (actual.some((value, i) => value !== expected[i])) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    source.destroy();
    readback.buffer.destroy();
  }
}
