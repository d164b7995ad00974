import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { TokenTexts } from "./token_texts.ts";

/** What no repetition reaches across, unless told otherwise, as in llama.cpp. */
export const DEFAULT_BREAKERS: readonly string[] = ["\n", ":", '"', "*"];

/** Bytes that a breaker may have, and ids that are compared behind the first. */
const MAX_BYTES = 40;
const MAX_REST = 20;

/**
 * Finds out in which tokens a text can stand: within one of them, or from the
 * end of one on.
 *
 * @param text The breaker.
 * @param tokenizer The tokenizer.
 * @param texts The texts of its tokens.
 * @returns Sequences of ids, one for each token that the text may begin in.
 * @throws {RangeError} If the text is empty or longer than 40 bytes.
 */
export function breakerSequences(
  text: string,
  tokenizer: Tokenizer,
  texts: TokenTexts,
): number[][] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0 || bytes.length > MAX_BYTES) {
    throw new RangeError(
      `Cannot sample: the breaker ${
        JSON.stringify(text)
      } has ${bytes.length} bytes, from 1 to ${MAX_BYTES} are wanted`,
    );
  }
  const breaker = String.fromCharCode(...bytes);
  const sequences: number[][] = [];
  for (const [id, token] of texts.all.entries()) {
    if (token.includes(breaker)) {
      sequences.push([id]);
      continue;
    }
    const most = Math.min(token.length, breaker.length - 1);
    for (let length = most; length > 0; length--) {
      if (!token.endsWith(breaker.slice(0, length))) continue;
      const rest = encodeBehind(id, breaker.slice(length), tokenizer, texts);
      if (rest !== undefined) sequences.push([id, ...rest.slice(0, MAX_REST)]);
    }
  }
  return sequences;
}

/** The ids of bytes that follow a token, `undefined` where none spell them. */
function encodeBehind(
  id: number,
  bytes: string,
  tokenizer: Tokenizer,
  texts: TokenTexts,
): number[] | undefined {
  // A token may end within a character: the rest of it is single bytes.
  const start = bytes.search(/[^\x80-\xbf]|$/);
  const ids: number[] = [];
  for (const byte of bytes.slice(0, start)) {
    const own = texts.byText.get(byte)?.[0];
    if (own === undefined) return undefined;
    ids.push(own);
  }
  const text = new TextDecoder().decode(
    Uint8Array.from(bytes.slice(start), (byte) => byte.charCodeAt(0)),
  );
  // Behind the token, so that the text gets no prefix of a beginning.
  const behind = tokenizer.encodeParts([id, text], { bos: false });
  return [...ids, ...behind.slice(1)];
}
