import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { bindBuffers, type Binding } from "../gpu/kernel.ts";
import { BLOCK, type Codec, codecTable, ROW_GROUP } from "./quant/codec.ts";

/** Rows of a matrix that lie in buffers of their own. */
export interface MatrixPart {
  /** The first row, within the matrix. */
  readonly firstRow: number;
  /** How many rows. */
  readonly rows: number;
  /** The plane of quants, or of floats; see the codec's `layout`. */
  readonly quants: GPUBuffer;
  /** The plane of scales, where the codec has one. */
  readonly scales: GPUBuffer | undefined;
  /** The plane of high bits, where the codec has one. */
  readonly high: GPUBuffer | undefined;
}

/**
 * A weight matrix `[rows, cols]` on the GPU, each row a whole number of blocks
 * of 32, padded with zeros. It is cut into parts where it is larger than one
 * binding.
 */
export interface Matrix {
  /** Outputs. */
  readonly rows: number;
  /** Inputs. */
  readonly cols: number;
  /** Blocks of 32 in a row. */
  readonly blocks: number;
  /** The format of the weights. */
  readonly codec: Codec;
  /** The rows, in order. */
  readonly parts: readonly MatrixPart[];
}

/** Options for {@linkcode createMatrix}. */
export interface CreateMatrixOptions {
  /** Name shown in errors and GPU captures. */
  label: string;
  /** Outputs. */
  rows: number;
  /** Inputs. */
  cols: number;
  /** The format of the weights. */
  codec: Codec;
  /** Most bytes in one buffer: what one binding of the device can hold. */
  maxBytes: number;
}

/** Floats from one row of activations to the next: whole blocks of 32. */
export function strideOf(dim: number): number {
  return Math.ceil(dim / BLOCK) * BLOCK;
}

/** The planes of a {@linkcode MatrixPart}. */
export const PLANES = ["quants", "scales", "high"] as const;

/** Bytes that `blocks` blocks take, plane by plane; 0 for no plane. */
export function planeBytes(
  { layout: { quants, high, scales } }: Codec,
  blocks: number,
): Record<typeof PLANES[number], number> {
  return {
    quants: quants * blocks,
    high: high * blocks,
    scales: scales === undefined
      ? 0
      : scales.bytes * Math.ceil(blocks / scales.blocks),
  };
}

/** Bytes that a matrix of this shape takes on the GPU. */
export function matrixBytes(
  { rows, cols, codec }: Pick<CreateMatrixOptions, "rows" | "cols" | "codec">,
): number {
  const planes = planeBytes(codec, rows * strideOf(cols) / BLOCK);
  return planes.quants + planes.high + planes.scales;
}

/**
 * Allocates a matrix of zeros.
 *
 * @param pool The owner of its buffers.
 * @param options Its shape and format.
 * @returns The matrix, in as many parts as the bindings of the device ask for.
 */
export function createMatrix(
  pool: BufferPool,
  options: CreateMatrixOptions,
): Matrix {
  const { label, rows, cols, codec, maxBytes } = options;
  const blocks = strideOf(cols) / BLOCK;
  const groupBytes = ROW_GROUP * blocks * codec.layout.quants;
  const most = Math.max(1, Math.floor(maxBytes / groupBytes)) * ROW_GROUP;
  const parts: MatrixPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    const count = Math.min(most, rows - firstRow);
    const bytes = planeBytes(codec, count * blocks);
    const plane = (name: "quants" | "scales" | "high") =>
      pool.create({ label: `${label}.${name}`, size: bytes[name] });
    parts.push({
      firstRow,
      rows: count,
      quants: plane("quants"),
      scales: bytes.scales > 0 ? plane("scales") : undefined,
      high: bytes.high > 0 ? plane("high") : undefined,
    });
  }
  return { rows, cols, blocks, codec, parts };
}

/** The bindings that codecs know: see `quant/block.wgsl`. */
const [FIRST_OWN, HIGH] = [2, 8] as const;

/**
 * Binds a kernel that is joined with a codec.
 *
 * @param gpu The device.
 * @param pipeline The compiled kernel.
 * @param weights The codec's weights.
 * @param own The kernel's own buffers, from binding 2 on.
 * @returns The bind group.
 */
export function bindWeights(
  gpu: Gpu,
  pipeline: GPUComputePipeline,
  { codec, part }: { codec: Codec; part: MatrixPart },
  own: readonly (Binding | undefined)[],
): GPUBindGroup {
  const bindings = [part.quants, part.scales, ...own];
  if (bindings.length > HIGH) {
    throw new RangeError(
      `Cannot bind kernel "${pipeline.label}": it has ${own.length} buffers of its own, at most ${
        HIGH - FIRST_OWN
      } are wanted`,
    );
  }
  bindings[HIGH] = part.high;
  bindings[HIGH + 1] = codecTable(gpu, codec);
  return bindBuffers(gpu.device, pipeline, bindings);
}
