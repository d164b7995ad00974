import type { GgufWriter } from "../gguf/writer.ts";
import { QuantizePool } from "../quantize/pool.ts";
import { type Piece, writePieces } from "../quantize/write_pieces.ts";
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
  // Without workers each is written before the next one is read.
  const share = workers === 0 ? 2 : 1 / (AHEAD * workers);
  const pieces = allPieces(tensors, pool, share);
  await writePieces(pieces, { writer, totalBytes, onProgress });
}

async function* allPieces(
  tensors: readonly TensorConversion[],
  pool: QuantizePool,
  share: number,
): AsyncGenerator<Piece> {
  for (const tensor of tensors) yield* piecesOf(tensor, pool, share);
}

async function* piecesOf(
  tensor: TensorConversion,
  pool: QuantizePool,
  share: number,
): AsyncGenerator<Piece> {
  const { name, shape, format } = tensor;
  for await (const rows of readRows(tensor)) {
    const { bytes, firstRow, format: from, read } = rows;
    if (from === format.name) {
      checkFinite(rows, tensor);
      yield { name, read, bytes: Promise.resolve(bytes), share };
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
    yield { name, read, bytes: work, share };
  }
}
