import { viewOf } from "./codec.ts";
import code from "./scale_min.wgsl" with { type: "text" };

/** Bytes of a header: d, dmin, and 12 of scales and minimums. */
export const HEADER_BYTES = 16;

/** The WGSL that reads a header: `scale_min(header, block)`. */
export const SCALE_MIN: string = code;

/**
 * Reads the header of a superblock of Q4_K or Q5_K, as `scale_min.wgsl` does.
 *
 * @param header Its 16 bytes.
 * @param block A block of the superblock, 0 to 7.
 * @returns Scale and minimum of the block: `w = scale * q - min`.
 */
export function scaleMin(
  header: Uint8Array,
  block: number,
): { scale: number; min: number } {
  const view = viewOf(header);
  const i = 4 + block % 4;
  const [s, m, rest] = [header[i]!, header[i + 4]!, header[i + 8]!];
  const [scale, min] = block < 4
    ? [s & 63, m & 63]
    : [rest & 15 | s >> 6 << 4, rest >> 4 | m >> 6 << 4];
  return {
    scale: view.getFloat16(0, true) * scale,
    min: view.getFloat16(2, true) * min,
  };
}
