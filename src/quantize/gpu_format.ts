import { blockFormatByName } from "../gguf/formats.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import {
  createPacker,
  type CreatePackerOptions,
  type PackedBlocks,
  type Packer,
} from "../kernels/quantize/packer.ts";
import {
  extremeSamples,
  quantizeSamples,
} from "../kernels/quantize/samples.ts";
import { type QuantizeChunk, quantizeChunk } from "./chunk.ts";
import { Decoder } from "./decode.ts";
import { findOverflow } from "./overflow.ts";
import { quantizeRows } from "./quantize_rows.ts";

/** Packs weights of one format in another on the GPU. */
export interface GpuFormat {
  /**
   * Blocks that the GPU was unsure of, so that the CPU packed them; whoever
   * tries the format sets it back.
   */
  redone: number;
  /**
   * Packs a chunk.
   *
   * @param chunk The rows, whose importance is unknown; they stay as they are.
   * @returns Their bytes, those of the CPU.
   * @throws What {@linkcode quantizeChunk} throws; {@linkcode GpuPackError}.
   */
  run(chunk: QuantizeChunk): Promise<Uint8Array<ArrayBuffer>>;
}

/** Error thrown when a device fails, and the CPU can go on. */
export class GpuPackError extends Error {
  /**
   * Creates a {@linkcode GpuPackError}.
   *
   * @param cause What went wrong.
   */
  constructor(cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(message, { cause });
    this.name = "GpuPackError";
  }
}

/**
 * Compiles what packs a format on the GPU, and tries it on weights that are
 * easily packed wrong.
 *
 * @param scope The device, and the owner of the memory.
 * @param options The formats, and how much at once.
 * @returns The format; `undefined` where no kernel has it, `"wrong"` where the
 * device does not pack it to the CPU's bytes.
 */
export async function openGpuFormat(
  scope: KernelScope,
  options: CreatePackerOptions,
): Promise<GpuFormat | "wrong" | undefined> {
  const packer = await createPacker(scope, options);
  if (packer === undefined) return undefined;
  const decoder = new Decoder();
  // Chunks share the decoder's memory: one waits for the other.
  let last: Promise<unknown> = Promise.resolve();
  const format: GpuFormat = {
    redone: 0,
    async run(chunk) {
      const packed = await pack(packer, chunk);
      if (isWhole(chunk, packed)) return packed.bytes;
      format.redone += packed.unsure?.length ?? 0;
      const finished = last.then(() => finish(chunk, packed, decoder));
      last = finished.catch(() => {});
      return await finished;
    },
  };
  return await isRight(format, options) ? format : "wrong";
}

async function pack(
  packer: Packer,
  { bytes }: QuantizeChunk,
): Promise<PackedBlocks> {
  try {
    return await packer.pack(bytes);
  } catch (error) {
    throw new GpuPackError(error);
  }
}

function isWhole(
  { to }: QuantizeChunk,
  { bytes, unsure }: PackedBlocks,
): boolean {
  return unsure?.length === 0 &&
    findOverflow(blockFormatByName(to)!, bytes) < 0;
}

/** Packs the blocks that the GPU was unsure of. */
async function finish(
  chunk: QuantizeChunk,
  { bytes, unsure }: PackedBlocks,
  decoder: Decoder,
): Promise<Uint8Array<ArrayBuffer>> {
  const { from, to } = chunk;
  const { blockSize, bytes: blockBytes } = blockFormatByName(to)!;
  const sourceBytes = blockFormatByName(from)!.bytes * blockSize;
  if (unsure === undefined) return await quantizeChunk(chunk, decoder);
  const source = new Uint8Array(unsure.length * sourceBytes);
  for (const [i, block] of unsure.entries()) {
    const at = block * sourceBytes;
    source.set(chunk.bytes.subarray(at, at + sourceBytes), i * sourceBytes);
  }
  const rows = await decoder.decode(from, source);
  if (!rows.every(Number.isFinite)) return await quantizeChunk(chunk, decoder);
  const packed = quantizeRows(to, rows, blockSize);
  for (const [i, block] of unsure.entries()) {
    const at = i * blockBytes;
    bytes.set(packed.subarray(at, at + blockBytes), block * blockBytes);
  }
  if (findOverflow(blockFormatByName(to)!, bytes) < 0) return bytes;
  return await quantizeChunk(chunk, decoder); // it tells which row it is
}

/** Blocks of 256 of each sample that a device is tried on. */
const BLOCKS = 8;
const SEED = 20_261_123;

/** Whether samples are packed as the CPU packs them. */
async function isRight(
  format: GpuFormat,
  { from, to, weights }: CreatePackerOptions,
): Promise<boolean> {
  const blocks = Math.min(BLOCKS, Math.floor(weights / 256));
  const samples = [
    ...quantizeSamples(SEED, blocks),
    ...extremeSamples(SEED, blocks),
  ];
  const decoder = new Decoder();
  for (const { name, weights } of samples) {
    // What is too large for 16 bits is an error in any case.
    const limit = 2 ** 14;
    const limited = weights.map((x) => Math.max(-limit, Math.min(limit, x)));
    const columns = weights.length;
    const bytes = quantizeRows(from, limited, columns);
    const chunk = { name, firstRow: 0, columns, from, to, bytes };
    const actual = await format.run({ ...chunk, importance: undefined });
    const rows = await decoder.decode(from, bytes);
    const expected = quantizeRows(to, rows, columns);
    if (expected.some((byte, i) => byte !== actual[i])) return false;
  }
  return true;
}
