import type { GgufText } from "./field.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const REPLACEMENT = "\ufffd";

/** Bytes from which on an error costs less than a second look. */
const LONG = 4096;

/** Where texts lie in bytes. */
export interface TextRanges {
  /** Where each starts, `[count]`. */
  readonly starts: Int32Array;
  /** The byte behind each, `[count]`. */
  readonly ends: Int32Array;
}

/** Decodes one text: what is not valid UTF-8 stays bytes, or is replaced. */
export type ReadText = (bytes: Uint8Array) => GgufText;

/**
 * Decodes many texts. A call of the decoder takes longer than a token is, and a
 * vocabulary has 400,000 texts: where all are valid they are decoded in one go
 * and cut apart.
 *
 * @param bytes What they lie in.
 * @param ranges Where.
 * @param readText Decodes them where one is not valid UTF-8.
 * @returns The texts.
 */
export function readTexts(
  bytes: Uint8Array,
  ranges: TextRanges,
  readText: ReadText = readExactly,
): GgufText[] {
  const atOnce = readAtOnce(bytes, ranges);
  if (atOnce !== undefined) return atOnce;
  const { starts, ends } = ranges;
  const texts: GgufText[] = [];
  for (let i = 0; i < starts.length; i++) {
    texts.push(readText(bytes.subarray(starts[i], ends[i])));
  }
  return texts;
}

/**
 * Decodes a text.
 *
 * @param bytes Its bytes.
 * @returns The text, or the bytes where they are not valid UTF-8.
 */
export function readExactly(bytes: Uint8Array): GgufText {
  if (bytes.length > LONG) return readStrictly(bytes);
  const text = DECODER.decode(bytes);
  return text.includes(REPLACEMENT) && !isUtf8(text, bytes)
    ? bytes.slice()
    : text;
}

function readStrictly(bytes: Uint8Array): GgufText {
  try {
    return STRICT.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

/**
 * Decodes a text.
 *
 * @param bytes Its bytes.
 * @returns The text, with U+FFFD where they are not valid UTF-8.
 */
export function readReplacing(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

function readAtOnce(
  bytes: Uint8Array,
  { starts, ends }: TextRanges,
): string[] | undefined {
  let total = 0;
  for (let i = 0; i < starts.length; i++) total += ends[i]! - starts[i]!;
  const packed = new Uint8Array(total);
  const cuts = new Int32Array(starts.length); // in UTF-16 units
  let length = 0;
  let units = 0;
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i]!;
    const end = ends[i]!;
    // Else it could end what the text before it has begun.
    if (start < end && isContinuation(bytes[start]!)) return undefined;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      packed[length++] = byte;
      if (!isContinuation(byte)) units += byte < 0xf0 ? 1 : 2;
    }
    cuts[i] = units;
  }
  const all = readStrictly(packed);
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

/** Whether bytes are a text's, which errors are replaced in otherwise. */
function isUtf8(text: string, bytes: Uint8Array): boolean {
  const again = new TextEncoder().encode(text);
  if (again.length !== bytes.length) return false;
  for (let i = 0; i < again.length; i++) {
    if (again[i] !== bytes[i]) return false;
  }
  return true;
}
