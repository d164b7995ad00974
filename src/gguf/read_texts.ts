import type { GgufText } from "./field.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where texts lie in bytes. */
export interface TextRanges {
  /** Where each starts, `[count]`. */
  readonly starts: Int32Array;
  /** The byte behind each, `[count]`. */
  readonly ends: Int32Array;
}

/**
 * Decodes many texts. A call of the decoder takes longer than a token is, and a
 * vocabulary has 400,000 texts: where all are valid they are decoded in one go
 * and cut apart.
 *
 * @param bytes What they lie in.
 * @param ranges Where.
 * @returns The texts; of one that is not valid UTF-8 its bytes.
 */
export function readTexts(
  bytes: Uint8Array,
  ranges: TextRanges,
): GgufText[] {
  return readAtOnce(bytes, ranges) ??
    Array.from(ranges.starts, (start, i) => {
      return readText(bytes.subarray(start, ranges.ends[i]));
    });
}

/**
 * Decodes a text.
 *
 * @param bytes Its bytes.
 * @returns The text, or the bytes where they are not valid UTF-8.
 */
export function readText(bytes: Uint8Array): GgufText {
  try {
    return DECODER.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

function readAtOnce(
  bytes: Uint8Array,
  { starts, ends }: TextRanges,
): string[] | undefined {
  const packed = new Uint8Array(bytes.length);
  const cuts = new Int32Array(starts.length); // in UTF-16 units
  let length = 0;
  let units = 0;
  for (let i = 0; i < starts.length; i++) {
    const end = ends[i]!;
    // Else it could end what the text before it has begun.
    if (starts[i]! < end && isContinuation(bytes[starts[i]!]!)) {
      return undefined;
    }
    for (let at = starts[i]!; at < end; at++) {
      const byte = bytes[at]!;
      packed[length++] = byte;
      if (!isContinuation(byte)) units += byte < 0xf0 ? 1 : 2;
    }
    cuts[i] = units;
  }
  const all = readText(packed.subarray(0, length));
  if (typeof all !== "string") return undefined;
  const texts: string[] = [];
  for (let i = 0; i < cuts.length; i++) {
    texts.push(all.slice(i === 0 ? 0 : cuts[i - 1], cuts[i]));
  }
  return texts;
}

/** Whether a byte goes on with a character of UTF-8. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
