/**
 * The alphabet of byte-level BPE: one printable character for each byte, so that
 * tokens are texts whatever bytes they stand for.
 *
 * A byte that is a printable character of Latin-1 is that character; the others
 * are U+0100 and on, in order. So a space is "\u0120" and a line feed "\u010a".
 * Source: `bytes_to_unicode()` of https://github.com/openai/gpt-2.
 *
 * @module
 */

/** The character of each byte, `[256]`. */
export const BYTE_CHARACTERS: readonly string[] = listCharacters();

/** The byte of each character. */
const BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/**
 * Writes bytes in the alphabet.
 *
 * @param bytes Any bytes.
 * @returns A text of as many characters.
 */
export function writeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTE_CHARACTERS[byte];
  return text;
}

/**
 * Reads a token that is written in the alphabet.
 *
 * A character that is not of the alphabet is said as llama.cpp says it: vocabularies
 * that were not made for it have such tokens, which text never becomes.
 *
 * @param token A token's text.
 * @returns Its bytes.
 */
export function readBytes(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTES.get(character);
    if (byte !== undefined) {
      bytes.push(byte);
      continue;
    }
    const utf8 = new TextEncoder();
    const hex = Array.from(
      utf8.encode(character),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join("");
    bytes.push(...utf8.encode(`[UNK_BYTE_0x${hex}${token}]`));
  }
  return Uint8Array.from(bytes);
}

function listCharacters(): string[] {
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = byte > 0x20 && byte < 0x7f ||
      byte > 0xa0 && byte !== 0xad;
    return String.fromCharCode(isPrintable ? byte : others++);
  });
}
