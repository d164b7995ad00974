import type { GgufWriter } from "../gguf/writer.ts";
import { QuantizePool } from "../quantize/pool.ts";
import type { ConvertProgress } from "./options.ts";
import type { TensorConversion } from "./plan.ts";
import { checkFinite, readRows } from "./read_rows.ts";

/** Options for {@linkcode writeWeights}. */
export interface WriteWeightsOptions {
  /** Workers that share the work; with 0 this thread does it. */
  workers: number;
  /** Stops the work. */
  signal?: AbortSignal | undefined;
  /** Called whenever some rows are written. */
  onProgress?: ((progress: ConvertProgress) => void) | undefined;
}

/** Pieces that are read before the first of them is written, of a worker. */
const AHEAD = 2;

/** A piece of a tensor that is worked on. */
interface Piece {
  readonly name: string;
  /** Bytes of it in the checkpoint. */
  readonly read: number;
  readonly bytes: Promise<Uint8Array>;
}

/**
 * Reads weights, packs them and writes them, with some pieces in work at a time:
 * no more than some MB a worker are in memory.
 *
 * @param tensors The tensors, in the order of the writer.
 * @param writer The file that they go to, where it is their turn.
 * @param options Workers, interruption and progress.
 */
export async function writeWeights(
  tensors: readonly TensorConversion[],
  writer: GgufWriter,
  { workers, signal, onProgress }: WriteWeightsOptions,
): Promise<void> {
  using pool = new QuantizePool({ workers, signal });
  const totalBytes = tensors.reduce((sum, { from }) => sum + from.bytes, 0);
  const pieces: Piece[] = [];
  let doneBytes = 0;
  const writeFirst = async () => {
    const { name, read, bytes } = pieces.shift()!;
    await writer.write(name, await bytes);
    doneBytes += read;
    onProgress?.({ tensor: name, doneBytes, totalBytes });
  };
  for (const tensor of tensors) {
    for await (const piece of piecesOf(tensor, pool)) {
      // It may fail while others are waited for.
      piece.bytes.catch(() => {});
      signal?.throwIfAborted();
      pieces.push(piece);
      if (pieces.length > AHEAD * workers) await writeFirst();
    }
  }
  while (pieces.length > 0) await writeFirst();
}

async function* piecesOf(
  tensor: TensorConversion,
  pool: QuantizePool,
): AsyncGenerator<Piece> {
  const { name, shape, format } = tensor;
  for await (const rows of readRows(tensor)) {
    const { bytes, firstRow, format: from, read } = rows;
    if (from === format.name) {
      checkFinite(rows, tensor);
      yield { name, read, bytes: Promise.resolve(bytes) };
      continue;
    }
    const work = pool.run({
      name: tensor.from.name,
      firstRow,
      columns: shape[0]!,
      from,
      to: format.name,
      bytes,
      importance: tensor.importance,
    });
    yield { name, read, bytes: work };
  }
}
