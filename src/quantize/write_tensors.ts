import type { ByteSource } from "../gguf/source.ts";
import type { GgufWriter } from "../gguf/writer.ts";
import type { TensorPlan } from "./plan.ts";
import type { Quantizer } from "./quantizer.ts";
import {
  type Piece,
  type WeightsProgress,
  writePieces,
} from "./write_pieces.ts";

/** How far `quantizeFile()` is. */
export type QuantizeProgress = WeightsProgress;

/** Options for {@linkcode writeTensors}. */
export interface WriteTensorsOptions {
  /** The file that the tensors are in. */
  source: ByteSource;
  /** The file that they go to; its tensors are those of the plans. */
  writer: GgufWriter;
  /** What packs them. */
  quantizer: Quantizer;
  /** Called whenever some rows are written. */
  onProgress?: ((progress: QuantizeProgress) => void) | undefined;
}

/** Bytes of what is copied at once. */
const COPY_BYTES = 2 ** 22;
/** Pieces to copy that are read before the first of them is written. */
const COPIES_AHEAD = 4;

/**
 * Packs tensors and writes them, with some pieces in work at a time.
 *
 * @param plans What becomes of each tensor, in the order of the writer.
 * @param options Where they are, and where they go.
 */
export async function writeTensors(
  plans: readonly TensorPlan[],
  { source, writer, quantizer, onProgress }: WriteTensorsOptions,
): Promise<void> {
  const totalBytes = plans.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  const pieces = allPieces(plans, source, quantizer);
  await writePieces(pieces, { writer, totalBytes, onProgress });
}

async function* allPieces(
  plans: readonly TensorPlan[],
  source: ByteSource,
  quantizer: Quantizer,
): AsyncGenerator<Piece> {
  for (const plan of plans) yield* piecesOf(plan, source, quantizer);
}

function piecesOf(
  plan: TensorPlan,
  source: ByteSource,
  quantizer: Quantizer,
): AsyncGenerator<Piece> {
  return plan.format === plan.tensor.format.name
    ? copied(plan, source)
    : packed(plan, source, quantizer);
}

/** Reads a tensor that stays as it is. */
async function* copied(
  { tensor: { name, offset, bytes: size } }: TensorPlan,
  source: ByteSource,
): AsyncGenerator<Piece> {
  for (let at = 0; at < size; at += COPY_BYTES) {
    const bytes = new Uint8Array(Math.min(COPY_BYTES, size - at));
    await source.readInto(bytes, offset + at);
    yield {
      name,
      read: bytes.length,
      bytes: Promise.resolve(bytes),
      share: 1 / COPIES_AHEAD,
    };
  }
}

/** Reads a tensor and has its rows packed, each expert's for itself. */
async function* packed(
  { tensor, format: to, importance }: TensorPlan,
  source: ByteSource,
  quantizer: Quantizer,
): AsyncGenerator<Piece> {
  const { name, shape, format, elements } = tensor;
  const columns = shape[0]!;
  const rows = elements / columns;
  const rowBytes = tensor.bytes / rows;
  const rowsOfExpert = shape[1] ?? 1;
  for (let row = 0; row < rows;) {
    const expert = Math.floor(row / rowsOfExpert);
    const formats = {
      from: format.name,
      to,
      importance: importanceOfExpert(importance, expert, columns),
    };
    const { weights, ahead } = quantizer.sizes(formats);
    const most = Math.max(1, Math.floor(weights / columns));
    const end = Math.min(row + most, (expert + 1) * rowsOfExpert);
    const bytes = new Uint8Array((end - row) * rowBytes);
    await source.readInto(bytes, tensor.offset + row * rowBytes);
    const read = bytes.length; // before the buffer is handed over
    const chunk = { name, firstRow: row, columns, bytes, ...formats };
    yield { name, read, bytes: quantizer.run(chunk), share: 1 / ahead };
    row = end;
  }
}

/** Importance of an expert's columns; experts of a fourth dimension share it. */
function importanceOfExpert(
  importance: Float32Array | undefined,
  expert: number,
  columns: number,
): Float32Array | undefined {
  if (importance === undefined) return undefined;
  const start = expert * columns % importance.length;
  return importance.slice(start, start + columns);
}
