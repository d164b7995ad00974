import code from "./scale_min.wgsl" with { type: "text" };

/** Bytes of a header: d, dmin, and 12 of scales and minimums. */
export const HEADER_BYTES = 16;

/** The WGSL that reads a header: `scale_min(header, block)`. */
export const SCALE_MIN: string = code;

/**
 * Reads the header of a superblock of Q4_K or Q5_K, as `scale_min.wgsl` does.
 *
 * @param header Its bytes, and what may follow them.
 * @param block A block of the superblock, 0 to 7.
 * @returns Scale and minimum of the block: `w = scale * q - min`.
 */
export function scaleMin(
  header: DataView,
  block: number,
): { scale: number; min: number } {
  const i = 4 + block % 4;
  const [s, m] = [header.getUint8(i), header.getUint8(i + 4)];
  const rest = header.getUint8(i + 8);
  const [scale, min] = block < 4
    ? [s & 63, m & 63]
    : [rest & 15 | s >> 6 << 4, rest >> 4 | m >> 6 << 4];
  return {
    scale: header.getFloat16(0, true) * scale,
    min: header.getFloat16(2, true) * min,
  };
}
