import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { readTensorBytes } from "../gguf/chunks.ts";
import { readAhead } from "../gguf/read_ahead.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import { createRepack, type Repack, repackBytes } from "../kernels/repack.ts";
import {
  chunkBytesOf,
  codecOf,
  type Piece,
  piecesOf,
  storedBytes,
  storedTensor,
  type Upload,
} from "./pieces.ts";
import { UploadQueue } from "./upload_queue.ts";

/** How far loading is. */
export interface LoadProgress {
  /** Bytes of tensor data that are on their way to the GPU. */
  loadedBytes: number;
  /** Bytes of tensor data in the file. */
  totalBytes: number;
  /** Tensors of which that is all. */
  loadedTensors: number;
  /** Tensors in the file. */
  totalTensors: number;
}

/** Rows of a tensor that are to be packed in another format. */
export interface PackRows {
  /** The tensor's name, for errors. */
  readonly name: string;
  /** Index of the first row, for errors. */
  readonly firstRow: number;
  /** Weights of a row. */
  readonly columns: number;
  /** How the rows are packed: ggml's name of the format. */
  readonly from: string;
  /** How they are to be packed. */
  readonly to: string;
  /** The rows, in a buffer that is handed over. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Not known. */
  readonly importance: undefined;
}

/** Packs weights in another format while they are loaded. */
export interface Packer {
  /** Pieces that are given to it before the first is waited for. */
  readonly ahead: number;
  /** Packs rows. */
  run(rows: PackRows): Promise<Uint8Array<ArrayBuffer>>;
}

/** Options for {@linkcode uploadAll}. */
export interface UploadOptions {
  /** Called after each chunk. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops loading. */
  signal?: AbortSignal | undefined;
  /** Packs those tensors that are to have another format. */
  packer?: Packer | undefined;
}

/** GPU memory that uploads take besides their targets. */
export interface Staging {
  /** The buffers that weights pass through. */
  uploadBytes: number;
  /** At most so much of what was written waits for the GPU in copies. */
  queuedBytes: number;
}

/**
 * What uploads take besides their targets, until they are done.
 *
 * @param gpu The device.
 * @param uploads The tensors, and where they go.
 * @returns The bytes.
 */
export function stagingOf(gpu: Gpu, uploads: readonly Upload[]): Staging {
  const chunkBytes = chunkBytesOf(gpu, uploads);
  return {
    uploadBytes: repackBytes({ chunkBytes, codecs: codecsOf(uploads) }),
    queuedBytes: Math.min(
      uploads.reduce((sum, { tensor }) => sum + tensor.bytes, 0),
      UploadQueue.mostBytes(chunkBytes),
    ),
  };
}

/**
 * Streams tensors from the file to the GPU: while it works on a chunk, the next
 * one is read.
 *
 * @param gpu The device.
 * @param source The file.
 * @param uploads The tensors, and where they go.
 * @param options Progress and interruption.
 */
export async function uploadAll(
  gpu: Gpu,
  source: ByteSource,
  uploads: readonly Upload[],
  { onProgress, signal, packer }: UploadOptions,
): Promise<void> {
  signal?.throwIfAborted();
  // The scratch is freed when loading ends, however it ends.
  using scratch = new BufferPool(gpu.device);
  const { queue } = gpu.device;
  const chunkBytes = chunkBytesOf(gpu, uploads);
  const repack = createRepack({ gpu, pool: scratch }, {
    chunkBytes,
    codecs: codecsOf(uploads),
  });
  await scratch.check("the upload buffers");
  const queued = new UploadQueue(queue);
  const progress = {
    loadedBytes: 0,
    totalBytes: storedBytes(uploads),
    loadedTensors: 0,
    totalTensors: uploads.length,
  };
  const pieces = piecesOf(uploads, chunkBytes);
  const ranges = readAhead(source, pieces, chunkBytes);
  for await (const { range, bytes } of packed(ranges, packer)) {
    signal?.throwIfAborted();
    await write(queue, repack, { range, bytes });
    await queued.add(bytes.length);
    progress.loadedBytes += range.bytes;
    progress.loadedTensors += Number(range.isLast);
    onProgress?.({ ...progress });
    signal?.throwIfAborted();
  }
  repack.finish();
  await queued.finish();
}

/** The formats of all matrices. */
function codecsOf(uploads: readonly Upload[]): Set<Codec> {
  return new Set(
    uploads.flatMap(({ matrix }) => matrix?.matrix.codec ?? []),
  );
}

/** A piece, and its bytes in the format that it has on the GPU. */
interface ReadPiece {
  range: Piece;
  bytes: Uint8Array<ArrayBuffer>;
}

async function write(
  queue: GPUQueue,
  repack: Repack,
  { range: { upload, rows }, bytes }: ReadPiece,
): Promise<void> {
  const { tensor, vector, matrix } = upload;
  if (rows === undefined) {
    queue.writeBuffer(vector!, 0, decode(tensor, bytes));
    return;
  }
  const { part, first: row, count } = rows;
  await repack.write({ bytes, ...matrix!, part, row, rows: count });
}

/** Has those pieces packed that are to have another format, some at a time. */
async function* packed(
  pieces: AsyncIterable<ReadPiece>,
  packer: Packer | undefined,
): AsyncGenerator<ReadPiece> {
  const jobs: { range: Piece; job: Promise<Uint8Array<ArrayBuffer>> }[] = [];
  const first = async () => {
    const { range, job } = jobs.shift()!;
    return { range, bytes: await job };
  };
  for await (const piece of pieces) {
    const { range, bytes } = piece;
    const { tensor } = range.upload;
    const stored = storedTensor(tensor);
    if (stored === tensor) {
      yield piece; // of another tensor than those that wait
      continue;
    }
    const job = packer!.run({
      name: tensor.name,
      firstRow: range.rows!.tensorRow,
      columns: tensor.shape[0]!,
      from: stored.format.name,
      to: tensor.format.name,
      bytes: bytes.slice(),
      importance: undefined,
    });
    job.catch(() => {}); // told when its turn comes
    jobs.push({ range, job });
    if (jobs.length > packer!.ahead) yield await first();
  }
  while (jobs.length > 0) yield await first();
}

/** Reads a tensor as f32. */
export async function readVector(
  source: ByteSource,
  tensor: TensorInfo,
): Promise<Float32Array<ArrayBuffer>> {
  return decode(tensor, await readTensorBytes(source, tensor));
}

function decode(
  tensor: TensorInfo,
  bytes: Uint8Array,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(codecOf(tensor).dequantize(bytes));
}
