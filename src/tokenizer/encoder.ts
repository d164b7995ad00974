import { BytePairEncoder } from "./byte_pair.ts";
import { PieceEncoder } from "./sentencepiece.ts";
import { SpecialTokenParser } from "./special_tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Turns text into tokens by the rules of one vocabulary. */
export interface SegmentEncoder {
  /**
   * Encodes one segment of text.
   *
   * @param text Well-formed text.
   * @param output Where the ids are appended.
   */
  encode(text: string, output: number[]): void;
}

/**
 * Makes the encoder of a vocabulary.
 *
 * @param vocabulary The tokens.
 * @returns The encoder, of the vocabulary's kind.
 */
export function createEncoder(vocabulary: Vocabulary): SegmentEncoder {
  const { byteLevel } = vocabulary;
  if (byteLevel === undefined) return new PieceEncoder(vocabulary);
  const encoder = new BytePairEncoder(vocabulary, byteLevel);
  const { plainIds } = byteLevel;
  if (plainIds.size === 0) return encoder;
  const parser = new SpecialTokenParser(vocabulary, (id) => plainIds.has(id));
  return {
    encode(text, output) {
      for (const part of parser.split(text)) {
        if (typeof part === "number") output.push(part);
        else encoder.encode(part, output);
      }
    },
  };
}
