import type { ByteRange } from "../gguf/read_ahead.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Matrix, MatrixPart } from "../kernels/matrix.ts";
import { type Codec, ROW_GROUP } from "../kernels/quant/codec.ts";
import { CODECS } from "../kernels/quant/codecs.ts";

/** A tensor that is packed in another format while it is loaded. */
export interface PackedTensor extends TensorInfo {
  /** The tensor as it lies in the file. */
  readonly from: TensorInfo;
}

/** A tensor, and where it goes. */
export interface Upload {
  /** The tensor, of the format that it is to have on the GPU. */
  tensor: TensorInfo | PackedTensor;
  /** Its rows go here, from `row` on … */
  matrix?: { matrix: Matrix; row: number };
  /** … or its values go here, as f32. */
  vector?: GPUBuffer;
}

/** A piece of a tensor that is read and written at once. */
export interface Piece extends ByteRange {
  /** What it is a piece of. */
  readonly upload: Upload;
  /** The rows of a part that it goes to, where the tensor is a matrix. */
  readonly rows?: {
    /** The part. */
    part: MatrixPart;
    /** Which of its rows is the first. */
    first: number;
    /** How many there are. */
    count: number;
    /** Which row of the tensor is the first. */
    tensorRow: number;
  };
  /** Whether it is the tensor's last. */
  readonly isLast: boolean;
}

/** Most bytes that are read, uploaded and repacked at once. */
const CHUNK_BYTES = 4 * 2 ** 20;
/** Most weights that are packed in another format at once, about. */
const PACKED_WEIGHTS = 2 ** 19;

/** A tensor as it lies in the file. */
export function storedTensor(tensor: TensorInfo | PackedTensor): TensorInfo {
  return "from" in tensor ? tensor.from : tensor;
}

/** Outputs of a matrix, as it lies in the file. */
export function rowsOf({ elements, shape }: TensorInfo): number {
  return elements / shape[0]!;
}

/** The format of a tensor, which `findTensors()` has checked. */
export function codecOf({ format }: TensorInfo): Codec {
  return CODECS.get(format.name)!;
}

/** Bytes of tensors in the file. */
export function storedBytes(uploads: readonly Upload[]): number {
  return uploads.reduce(
    (sum, { tensor }) => sum + storedTensor(tensor).bytes,
    0,
  );
}

/**
 * Bytes of the largest piece that tensors are cut into.
 *
 * @param gpu The device, of which a binding has to hold it.
 * @param uploads The tensors.
 * @returns The bytes, some rows of the largest tensor at least.
 */
export function chunkBytesOf(gpu: Gpu, uploads: readonly Upload[]): number {
  let largest = 0;
  let least = 0;
  for (const { tensor, vector } of uploads) {
    const { bytes } = storedTensor(tensor);
    largest = Math.max(largest, bytes);
    // Vectors are decoded whole.
    least = Math.max(
      least,
      vector === undefined ? ROW_GROUP * bytes / rowsOf(tensor) : bytes,
    );
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize) - 16;
  return Math.max(least, Math.min(CHUNK_BYTES, largest, most));
}

/** Cuts tensors into pieces, matrices into whole rows. */
export function* piecesOf(
  uploads: readonly Upload[],
  chunkBytes: number,
): Generator<Piece> {
  for (const upload of uploads) {
    const { tensor, matrix } = upload;
    if (matrix === undefined) {
      const { offset, bytes } = storedTensor(tensor);
      yield { upload, offset, bytes, isLast: true };
    } else yield* matrixPieces(upload, matrix, chunkBytes);
  }
}

function* matrixPieces(
  upload: Upload,
  { matrix, row }: { matrix: Matrix; row: number },
  chunkBytes: number,
): Generator<Piece> {
  const { tensor } = upload;
  const stored = storedTensor(tensor);
  const all = rowsOf(tensor);
  const rowBytes = stored.bytes / all;
  const most = stored === tensor
    ? chunkBytes / rowBytes
    : Math.min(chunkBytes / rowBytes, PACKED_WEIGHTS / matrix.cols);
  // Groups of rows, as several may share a word of scales.
  const step = Math.max(1, Math.floor(most / ROW_GROUP)) * ROW_GROUP;
  for (const part of matrix.parts) {
    // The rows of the tensor that this part holds.
    const end = Math.min(all, part.firstRow + part.rows - row);
    let tensorRow = Math.max(0, part.firstRow - row);
    for (; tensorRow < end; tensorRow += step) {
      const count = Math.min(step, end - tensorRow);
      const first = row + tensorRow - part.firstRow;
      yield {
        upload,
        offset: stored.offset + tensorRow * rowBytes,
        bytes: count * rowBytes,
        rows: { part, first, count, tensorRow },
        isLast: tensorRow + count === all,
      };
    }
  }
}
