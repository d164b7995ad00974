import { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import type { TokenType } from "../../src/tokenizer/vocabulary.ts";

const [UNKNOWN, BOS, EOS] = [0, 1, 2] as const;
const CONTROLS: readonly [text: string, type: TokenType][] = [
  ["<unk>", "unknown"],
  ["<s>", "control"],
  ["</s>", "control"],
];

/**
 * A vocabulary of any size: three special tokens, the bytes as far as there is
 * room, and words that are numbers.
 *
 * @param size How many tokens, 3 at least.
 * @returns Its tokenizer.
 */
export function createTokenizer(size: number): Tokenizer {
  const tokens = Array.from({ length: size }, (_, id): [string, TokenType] => {
    const control = CONTROLS[id];
    if (control !== undefined) return control;
    const byte = id - CONTROLS.length;
    if (byte >= 256) return [`\u2581${id}`, "normal"];
    const hex = byte.toString(16).toUpperCase().padStart(2, "0");
    return [`<0x${hex}>`, "byte"];
  });
  return new Tokenizer({
    tokens: tokens.map(([text]) => text),
    scores: Float32Array.from({ length: size }, (_, id) => -id),
    types: tokens.map(([, type]) => type),
    bosId: BOS,
    eosId: EOS,
    unknownId: UNKNOWN,
    padId: undefined,
    endOfGenerationIds: new Set([EOS]),
    strippingIds: new Set(),
    addBos: true,
    addEos: false,
    addSpacePrefix: true,
  });
}
