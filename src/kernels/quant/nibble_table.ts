import code from "./nibble_table.wgsl" with { type: "text" };

/** The WGSL that looks nibbles up: `look_up(q)`. */
export const LOOK_UP: string = code;

/**
 * Makes the table of `nibble_table.wgsl`.
 *
 * @param values What the 16 nibbles stand for, signed bytes.
 * @returns The 256 words.
 */
export function nibbleTable(
  values: readonly number[],
): Uint32Array<ArrayBuffer> {
  const byte = (nibble: number) => values[nibble]! & 0xff;
  return Uint32Array.from(
    { length: 256 },
    (_, i) => byte(i & 15) | byte(i >> 4) << 16,
  );
}
