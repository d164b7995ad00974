import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BYTES,
  CONTROLS,
  type MadeToken,
  makeMetadata,
  seededRandom,
} from "../../tests/vocabularies.ts";
import { PieceEncoder } from "./sentencepiece.ts";
import { readVocabulary } from "./read_vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

function made(tokens: readonly MadeToken[]): Vocabulary {
  return readVocabulary(makeMetadata(tokens));
}

function encode(vocabulary: Vocabulary, text: string): number[] {
  const ids: number[] = [];
  new PieceEncoder(vocabulary).encode(text, ids);
  return ids;
}

/** The rule as it is defined, in O(n^3): look at every pair, merge the best. */
function encodeByDefinition(vocabulary: Vocabulary, text: string): number[] {
  const { tokens, types, scores } = vocabulary;
  const idOf = (text: string) =>
    tokens.findLastIndex((token, id) =>
      token === text && (types[id] === "normal" || types[id] === "unused")
    );
  const symbols = [...text.replaceAll(" ", "\u2581")];
  while (true) {
    let best = -1;
    let bestScore = -Infinity;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const id = idOf(symbols[i]! + symbols[i + 1]!);
      if (id >= 0 && (best < 0 || scores[id]! > bestScore)) {
        best = i;
        bestScore = scores[id]!;
      }
    }
    if (best < 0) break;
    symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
  }
  return symbols.flatMap((symbol) => {
    const id = idOf(symbol);
    if (id >= 0) return [id];
    return Array.from(new TextEncoder().encode(symbol), (byte) => byte + 3);
  });
}

Deno.test("PieceEncoder.encode() merges the highest score first", () => {
  const tokens = [["a"], ["b"], ["c"], ["ab", "normal", 1], [
    "bc",
    "normal",
    2,
  ]] as const;
  assertEquals(encode(made(tokens), "abc"), [0, 4]);
});

Deno.test("PieceEncoder.encode() merges the leftmost pair when scores are equal", () => {
  const tokens = [["a"], ["b"], ["ab"], ["ba"], ["aa"]] as const;
  assertEquals(encode(made(tokens), "aba"), [2, 0]);
  assertEquals(encode(made(tokens), "baaa"), [3, 4]);
});

Deno.test("PieceEncoder.encode() merges characters that are no tokens themselves", () => {
  assertEquals(encode(made([["xyz"], ["xy"]]), "xyz"), [0]);
});

Deno.test("PieceEncoder.encode() gives nothing for no text", () => {
  assertEquals(encode(made([["a"]]), ""), []);
});

Deno.test("PieceEncoder.encode() takes the last one of tokens with the same text", () => {
  assertEquals(encode(made([["a"], ["a"]]), "a"), [1]);
});

Deno.test("PieceEncoder.encode() agrees with the definition on random vocabularies", () => {
  const random = seededRandom(2);
  const alphabet = ["a", "b", " ", "😀"];
  const letters = (length: number) =>
    Array.from({ length }, () => alphabet[random(alphabet.length)]!).join("");
  const types = ["normal", "normal", "normal", "unused", "user-defined"];
  let merged = 0;
  for (let round = 0; round < 60; round++) {
    const texts = new Set(
      Array.from({ length: 40 }, () => letters(1 + random(4))),
    );
    const tokens = [...texts].map((text): MadeToken => [
      text.replaceAll(" ", "\u2581"),
      types[random(types.length)] as "normal",
      random(3), // many ties
    ]);
    const vocabulary = made([...CONTROLS, ...BYTES, ...tokens]);
    const encoder = new PieceEncoder(vocabulary);
    for (let i = 0; i < 20; i++) {
      const text = letters(random(30));
      const ids: number[] = [];
      encoder.encode(text, ids);
      assertEquals(ids, encodeByDefinition(vocabulary, text), text);
      merged += ids.filter((id) =>
        [...vocabulary.tokens[id]!].length > 1 &&
        vocabulary.types[id] !== "byte"
      ).length;
    }
  }
  assert(merged > 1000, `there must be merges to compare: ${merged}`);
});

Deno.test("PieceEncoder.encode() spells what is no token in bytes", () => {
  const vocabulary = made([...CONTROLS, ...BYTES, ["a"]]);
  const byte = (value: number) => value + CONTROLS.length;
  assertEquals(
    encode(vocabulary, "é a😀"),
    [0xc3, 0xa9, 0xe2, 0x96, 0x81].map(byte)
      .concat([3 + 256], [0xf0, 0x9f, 0x98, 0x80].map(byte)),
  );
});

Deno.test("PieceEncoder.encode() finds byte tokens when the file has no types", () => {
  const metadata = makeMetadata([["a"], ...BYTES], {
    "tokenizer.ggml.token_type": undefined,
  });
  assertEquals(encode(readVocabulary(metadata), "ab"), [0, 1 + 0x62]);
});

Deno.test("PieceEncoder.encode() gives one unknown for a character without bytes", () => {
  assertEquals(encode(made([...CONTROLS, ["a"]]), "a😀é"), [3, 0, 0]);
});

Deno.test("PieceEncoder.encode() throws when there is not even an unknown token", () => {
  const error = assertThrows(() => encode(made([["a"]]), "aé"), Error);
  assertEquals(
    error.message,
    `Cannot encode "é": it is not in the vocabulary, its bytes or an unknown token are wanted`,
  );
});

for (
  const type of ["control", "user-defined", "unknown", "byte"] as const
) {
  Deno.test(`PieceEncoder.encode() never merges text into a token of type ${type}`, () => {
    const vocabulary = made([
      ["<0x41>", type, 9],
      ["<0x41", "normal"],
      ["<0x4", "normal"],
      ["<0x", "normal"],
      ["<0", "normal"],
      ...[..."<0x41>"].map((text): MadeToken => [text]),
    ]);
    assertEquals(encode(vocabulary, "<0x41>"), [1, 10]);
  });
}
