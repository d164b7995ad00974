import { readTensor } from "./chunks.ts";
import type { GgufField } from "./field.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource } from "./source.ts";
import { GgufWriter } from "./writer.ts";

/** Bytes that are read and written at once. */
const CHUNK_BYTES = 8 * 2 ** 20;

/** How far the copying or hashing of tensors is. */
export interface CopyProgress {
  /** Bytes of tensor data that are done. */
  doneBytes: number;
  /** Bytes of all tensor data. */
  totalBytes: number;
}

/** Options for what copies tensors. */
export interface CopyOptions {
  /** Stops it: what was written is removed. */
  signal?: AbortSignal | undefined;
  /** Is told how far it is. */
  onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** What a copy holds. */
export interface CopyPlan {
  /** Where tensor data is read. */
  source: ByteSource;
  /** The metadata. */
  fields: readonly GgufField[];
  /** Tensors of the source, in the order of the new file. */
  tensors: readonly TensorInfo[];
}

/**
 * Writes a GGUF file of tensors that stand in a source.
 *
 * @param path The file.
 * @param plan What it holds.
 * @param options Interruption, and progress over this file.
 * @returns The file, of which all is written: `finish()` gives it its name. To be
 * disposed of by the caller.
 */
export async function copyGguf(
  path: string | URL,
  { source, fields, tensors }: CopyPlan,
  { signal, onProgress }: CopyOptions = {},
): Promise<GgufWriter> {
  await using stack = new AsyncDisposableStack();
  const writer = stack.use(
    await GgufWriter.create(path, { fields, tensors }, { signal }),
  );
  const totalBytes = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  for (const tensor of tensors) {
    const chunks = readTensor(source, tensor, {
      chunkBytes: CHUNK_BYTES,
      ...(signal && { signal }),
    });
    for await (const { bytes } of chunks) {
      await writer.write(tensor.name, bytes);
      doneBytes += bytes.length;
      onProgress?.({ doneBytes, totalBytes });
    }
  }
  stack.move();
  return writer;
}
