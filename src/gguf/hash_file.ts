import { createHash } from "node:crypto";
import { abortable } from "./abortable.ts";
import { readTensor } from "./chunks.ts";
import type { CopyProgress } from "./copy.ts";
import { readGguf } from "./reader.ts";
import { openSource } from "./source.ts";

/** Bytes that are hashed at once. */
const CHUNK_BYTES = 8 * 2 ** 20;

/** The SHA-256 of a tensor's data, in hex. */
export interface TensorHash {
  /** The tensor's name. */
  name: string;
  /** The hash. */
  sha256: string;
}

/** Options for {@linkcode hashGguf}. */
export interface HashOptions {
  /** Stops it. */
  signal?: AbortSignal | undefined;
  /** Is told how far it is. */
  onProgress?:
    | ((
      progress: Pick<CopyProgress, "totalBytes"> & {
        /** Bytes of tensor data that are hashed. */
        doneBytes: number;
      },
    ) => void)
    | undefined;
}

/**
 * Hashes the tensors of a GGUF file as llama.cpp's gguf-hash does: what is
 * packed in the file, without what lies between. Metadata does not count, and
 * neither does how the file is split.
 *
 * @param input Path or `file:` URL of the file, or of one of its parts.
 * @param options Interruption, and progress.
 * @returns The hash of each tensor, and that of all of them one behind the other
 * in the order of the file.
 */
export async function hashGguf(
  input: string | URL,
  { signal, onProgress }: HashOptions = {},
): Promise<{ tensors: TensorHash[]; sha256: string }> {
  await using source = abortable(await openSource(input), signal);
  const { tensors } = await readGguf(source);
  const totalBytes = tensors.values().reduce((sum, t) => sum + t.bytes, 0);
  const all = createHash("sha256");
  const hashes: TensorHash[] = [];
  let doneBytes = 0;
  for (const tensor of tensors.values()) {
    const hash = createHash("sha256");
    const chunks = readTensor(source, tensor, { chunkBytes: CHUNK_BYTES });
    for await (const { bytes } of chunks) {
      hash.update(bytes);
      all.update(bytes);
      doneBytes += bytes.length;
      onProgress?.({ doneBytes, totalBytes });
    }
    hashes.push({ name: tensor.name, sha256: hash.digest("hex") });
  }
  return { tensors: hashes, sha256: all.digest("hex") };
}
