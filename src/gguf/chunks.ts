import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource } from "./source.ts";

const DEFAULT_CHUNK_BYTES = 32 * 2 ** 20;

/** Options for {@linkcode readTensor}. */
export interface ReadTensorOptions {
  /**
   * The most bytes of a chunk, rounded down to whole units (see
   * {@linkcode readTensor}), but at least one. Defaults to 32 MiB.
   */
  chunkBytes?: number;
  /** Stops the reading before the next chunk. */
  signal?: AbortSignal;
}

/** A piece of a tensor's data. */
export interface TensorChunk {
  /** Where it starts, in bytes from the start of the tensor. */
  offset: number;
  /** The bytes, valid until the next chunk is asked for. */
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a tensor's data in chunks, all into one buffer: a chunk must be used
 * up before the next is asked for.
 *
 * Every chunk is a multiple of the format's block and of 4 bytes, but for the
 * last, which ends where the tensor ends. The buffer behind a chunk goes on to
 * the next multiple of 4 with zeros, so that it can be written to a GPU as it
 * is: `new Uint8Array(bytes.buffer, 0, Math.ceil(bytes.length / 4) * 4)`.
 *
 * @param source The source that the tensor was found in.
 * @param tensor The tensor.
 * @param options How much to read at once.
 * @returns The chunks in order.
 * @throws {RangeError} If `chunkBytes` is not a positive number, or the source
 * ends before the tensor.
 * @throws The signal's reason, once it is aborted.
 */
export async function* readTensor(
  source: ByteSource,
  tensor: TensorInfo,
  options: ReadTensorOptions = {},
): AsyncGenerator<TensorChunk> {
  const { chunkBytes = DEFAULT_CHUNK_BYTES, signal } = options;
  if (!(chunkBytes > 0)) {
    throw new RangeError(
      `Cannot read tensor "${tensor.name}": chunkBytes is ${chunkBytes}, ` +
        "a positive number is wanted",
    );
  }
  const unit = unitBytes(tensor.format.bytes);
  const most = Math.max(1, Math.floor(chunkBytes / unit)) * unit;
  const buffer = new Uint8Array(roundUp(Math.min(most, tensor.bytes)));
  for (let offset = 0; offset < tensor.bytes; offset += most) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, Math.min(most, tensor.bytes - offset));
    await source.readInto(bytes, tensor.offset + offset);
    buffer.fill(0, bytes.length, roundUp(bytes.length));
    yield { offset, bytes };
  }
}

/**
 * Reads the whole data of a small tensor.
 *
 * @param source The source that the tensor was found in.
 * @param tensor The tensor.
 * @returns Its bytes, in a buffer of their own.
 * @throws {RangeError} If the source ends before the tensor.
 */
export async function readTensorBytes(
  source: ByteSource,
  tensor: TensorInfo,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(tensor.bytes);
  await source.readInto(bytes, tensor.offset);
  return bytes;
}

/** The least multiple of a block's bytes that is one of 4 too. */
function unitBytes(blockBytes: number): number {
  let unit = blockBytes;
  while (unit % 4 !== 0) unit += blockBytes;
  return unit;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
