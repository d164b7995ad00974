import { blockFormatByName } from "../../gguf/formats.ts";

/** Weights that the WGSL codecs speak of as one block. */
export const BLOCK = 32;

/** A block of a format as it lies in a file. */
export interface FileBlock {
  /** Weights in it. */
  readonly weights: number;
  /** Its bytes. */
  readonly bytes: number;
  /** The floating-point numbers among them. */
  readonly floats: readonly {
    readonly offset: number;
    readonly type: "f32" | "f16" | "bf16";
  }[];
}

/** A kernel that turns a file's blocks into a codec's layout. */
export interface RepackKernel {
  /** Name shown in errors and GPU captures. */
  readonly label: string;
  /** The WGSL, with the bindings of `repack_blocks.wgsl`. */
  readonly code: string;
  /** Values of its `override` constants, but for `WORKGROUP_SIZE`. */
  readonly constants?: Record<string, number>;
  /** Blocks of 32 that one invocation takes. */
  readonly invocationBlocks: number;
}

/** A weight format: how the file holds it, and how the GPU does. */
export interface Codec {
  /** The format's name in ggml, as in `src/gguf/formats.ts`. */
  readonly name: string;
  /** A block in the file. */
  readonly fileBlock: FileBlock;
  /** The WGSL codec; see `block.wgsl`. */
  readonly code: string;
  /** 16-byte words of quants that 32 weights take on the GPU. */
  readonly quantWords: number;
  /** Bytes of scales that 32 weights have in a buffer of their own. */
  readonly scaleBytes: number;
  /** The kernel that makes this of the file's blocks; floats need none. */
  readonly repack: RepackKernel | undefined;
  /**
   * Decodes weights as they lie in the file: the oracle of the WGSL codec.
   *
   * @param bytes Whole blocks.
   * @returns The weights, exactly.
   */
  dequantize(bytes: Uint8Array): Float32Array;
}

/** A view of `bytes` for reading numbers at any alignment. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
