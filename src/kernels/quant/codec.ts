import { blockFormatByName } from "../../gguf/formats.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import block from "./block.wgsl" with { type: "text" };
import quantized from "./quantized.wgsl" with { type: "text" };

/** Weights that the WGSL codecs speak of as one block. */
export const BLOCK = 32;

/**
 * Buffers begin at rows that are multiples of this, and so do chunks that are
 * repacked, so that rows of any length end with a whole word of scales there.
 */
export const ROW_GROUP = 4;

/** A block of a format as it lies in a file. */
export interface FileBlock {
  /** Weights in it. */
  readonly weights: number;
  /** Its bytes. */
  readonly bytes: number;
  /** The floating-point numbers among them. */
  readonly floats: readonly {
    readonly offset: number;
    /**
     * `"e8m0"` is a power of two, a byte of exponent; `"f16 in nibbles"` lies in
     * the upper nibbles of four 16-bit words, the lowest first.
     */
    readonly type: "f32" | "f16" | "bf16" | "e8m0" | "f16 in nibbles";
  }[];
}

/** Bytes that blocks of 32 weights take on the GPU, plane by plane. */
export interface BlockLayout {
  /** A block in the plane of quants. */
  readonly quants: number;
  /** A block in the plane of high bits or signs, whole words; 0 for no plane. */
  readonly high: number;
  /**
   * So many blocks that follow each other share so many bytes of the plane of
   * scales, whole words; `undefined` for no plane. At most {@linkcode ROW_GROUP}
   * of the file's own blocks share them.
   */
  readonly scales:
    | { readonly bytes: number; readonly blocks: number }
    | undefined;
}

/** How a file's blocks become a codec's planes. */
export interface RepackCode {
  /** Name shown in errors and GPU captures. */
  readonly label: string;
  /** The WGSL that `repack.wgsl` is joined with. */
  readonly code: string;
  /** Values of its own `override` constants. */
  readonly constants?: Record<string, number>;
  /**
   * Invocations that share the blocks that one of them would take. Defaults
   * to 1.
   */
  readonly parts?: number;
  /**
   * All that it reads begins at a multiple of so many bytes of the file. Defaults
   * to what the file's blocks begin at.
   */
  readonly alignment?: RepackAlignment;
}

/** Bytes, of which `repack.wgsl` makes use. */
export type RepackAlignment = 1 | 4 | 16;

/** A weight format: how the file holds it, and how the GPU does. */
export interface Codec {
  /** The format's name in ggml, as in `src/gguf/formats.ts`. */
  readonly name: string;
  /** A block in the file. */
  readonly fileBlock: FileBlock;
  /** The WGSL codec, whole; see `block.wgsl`. */
  readonly code: string;
  /** Whether the weights are whole numbers with scales: see `quantized.wgsl`. */
  readonly quantized: boolean;
  /** A block on the GPU. */
  readonly layout: BlockLayout;
  /** What makes this of the file's blocks; floats need none. */
  readonly repack: RepackCode | undefined;
  /** Makes the lookup table that the WGSL codec binds, where it has one. */
  readonly table?: () => Uint32Array<ArrayBuffer>;
  /**
   * Decodes weights as they lie in the file: the oracle of the WGSL codec.
   *
   * @param bytes Whole blocks.
   * @returns The weights, exactly.
   */
  dequantize(bytes: Uint8Array): Float32Array;
}

/** The WGSL that a kernel is joined with to read a codec's weights. */
export function codecCode({ code, quantized: whole }: Codec): string[] {
  return whole ? [block, code, quantized] : [block, code];
}

/** A codec's lookup table on the GPU, made once a device. */
export function codecTable(
  { device, tables }: Gpu,
  { name, table }: Codec,
): GPUBuffer | undefined {
  if (table === undefined) return undefined;
  let buffer = tables.get(name);
  if (buffer === undefined) {
    const words = table();
    buffer = device.createBuffer({
      label: `${name}.table`,
      size: words.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, words);
    tables.set(name, buffer);
  }
  return buffer;
}

/** A view of `bytes` for reading numbers at any alignment. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes a file's blocks one after the other.
 *
 * @param fileBlock A block of the format.
 * @param bytes Whole blocks.
 * @param decode Fills in the weights of the block that it is given.
 * @returns The weights of all blocks.
 */
export function decodeBlocks(
  { weights: count, bytes: size }: FileBlock,
  bytes: Uint8Array,
  decode: (block: DataView, weights: Float32Array) => void,
): Float32Array {
  const weights = new Float32Array(bytes.length / size * count);
  for (let i = 0; i < weights.length / count; i++) {
    const block = viewOf(bytes.subarray(i * size, (i + 1) * size));
    decode(block, weights.subarray(i * count, (i + 1) * count));
  }
  return weights;
}

/**
 * A block of a format, by the table of formats.
 *
 * @param name The format's name in ggml.
 * @param floats The floating-point numbers in a block.
 * @returns The block.
 */
export function fileBlock(
  name: string,
  ...floats: FileBlock["floats"]
): FileBlock {
  const { blockSize, bytes } = blockFormatByName(name)!;
  return { weights: blockSize, bytes, floats };
}
