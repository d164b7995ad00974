import type { BlockFormat } from "../gguf/formats.ts";

/** Where the 16-bit floats of a block lie. */
const HALVES: Readonly<Record<string, readonly number[]>> = {
  F16: [0],
  Q8_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_NL: [0],
  IQ4_XS: [0],
};

/**
 * Finds a block whose scale is infinite or NaN, since its weights are too large
 * for a 16-bit float.
 *
 * @param format The format of the blocks.
 * @param packed The blocks.
 * @returns Index of the first such block; -1 where there is none.
 */
export function findOverflow(
  { name, bytes }: BlockFormat,
  packed: Uint8Array,
): number {
  if (name === "BF16") return findBfloat(packed);
  let first = Infinity;
  for (const offset of HALVES[name] ?? []) {
    for (let at = offset + 1; at < packed.length; at += bytes) {
      if ((packed[at]! & 0x7c) !== 0x7c) continue;
      first = Math.min(first, (at - offset - 1) / bytes);
      break;
    }
  }
  return first === Infinity ? -1 : first;
}

function findBfloat(packed: Uint8Array): number {
  for (let at = 0; at < packed.length; at += 2) {
    if ((packed[at + 1]! & 0x7f) === 0x7f && packed[at]! >= 0x80) return at / 2;
  }
  return -1;
}
