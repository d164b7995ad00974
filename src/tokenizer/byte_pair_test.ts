import { assert, assertEquals, assertLess } from "@std/assert";
import { bestMs } from "../../tests/best_ms.ts";
import {
  type MadeByteLevel,
  makeByteLevel,
  seededRandom,
} from "../../tests/vocabularies.ts";
import { writeBytes } from "./byte_level.ts";
import { BytePairEncoder } from "./byte_pair.ts";
import { readVocabulary } from "./read_vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { WordSplitter } from "./word_splitter.ts";

function made(options: MadeByteLevel): Vocabulary {
  return readVocabulary(makeByteLevel(options));
}

function encode(vocabulary: Vocabulary, text: string): number[] {
  const ids: number[] = [];
  new BytePairEncoder(vocabulary, vocabulary.byteLevel!).encode(text, ids);
  return ids;
}

/** The tokens as texts in the alphabet of bytes. */
function tokens(vocabulary: Vocabulary, text: string): string[] {
  return encode(vocabulary, text).map((id) => vocabulary.tokens[id]!);
}

/** The rule as it is defined, in O(n^2): look at every pair, merge the best. */
function encodeByDefinition(vocabulary: Vocabulary, text: string): number[] {
  const { merges, preTokenizer } = vocabulary.byteLevel!;
  const ids: number[] = [];
  for (const word of new WordSplitter(preTokenizer).split(text)) {
    const symbols = [...writeBytes(new TextEncoder().encode(word))];
    while (true) {
      const ranks = symbols.slice(1).map((right, i) => {
        const rank = merges.indexOf(`${symbols[i]} ${right}`);
        return rank < 0 ? Infinity : rank;
      });
      const best = Math.min(...ranks);
      if (best === Infinity) break;
      const i = ranks.indexOf(best);
      symbols.splice(i, 2, symbols[i]! + symbols[i + 1]!);
    }
    ids.push(...symbols.map((symbol) => vocabulary.tokens.indexOf(symbol)));
  }
  return ids;
}

Deno.test("BytePairEncoder.encode() makes the first merge of the list first", () => {
  assertEquals(tokens(made({ merges: ["b c", "a b"] }), "abc"), ["a", "bc"]);
  assertEquals(tokens(made({ merges: ["a b", "b c"] }), "abc"), ["ab", "c"]);
});

Deno.test("BytePairEncoder.encode() makes the leftmost of equal merges first", () => {
  assertEquals(tokens(made({ merges: ["a a"] }), "aaaaa"), ["aa", "aa", "a"]);
});

Deno.test("BytePairEncoder.encode() knows a merge by its two halves", () => {
  const merges = ["b c", "a bc", "x a"];
  assertEquals(tokens(made({ merges }), "xabc"), ["x", "abc"]);
  assertEquals(tokens(made({ merges: ["a b", "ab c"] }), "abc"), ["abc"]);
  // "abc" is a token, but no merge makes it of "a" and "bc"
  assertEquals(
    tokens(made({ merges: ["b c", "a b", "ab c"] }), "abc"),
    ["a", "bc"],
  );
});

Deno.test("BytePairEncoder.encode() counts the first of two merges alike", () => {
  const merges = ["a b", "b c", "a b"];
  assertEquals(tokens(made({ merges }), "abc"), ["ab", "c"]);
});

Deno.test("BytePairEncoder.encode() merges bytes across characters, not words", () => {
  const merges = ["Ã ©", "Ġ a", "a Ġ"];
  const vocabulary = made({ merges });
  assertEquals(tokens(vocabulary, "é a"), ["Ã©", "Ġa"]);
  assertEquals(tokens(vocabulary, "a a"), ["a", "Ġa"]);
});

Deno.test("BytePairEncoder.encode() gives nothing for no text", () => {
  assertEquals(encode(made({}), ""), []);
});

Deno.test("BytePairEncoder.encode() takes a word whole only where the pre-tokenizer says so", () => {
  const options = { tokens: [["Ġword"]] } as const;
  assertEquals(
    tokens(made({ ...options, pre: "llama-bpe" }), "a word wordy"),
    [..."a", "Ġword", ..."Ġwordy"],
  );
  assertEquals(tokens(made({ ...options, pre: "smaug-bpe" }), " word"), [
    ..."Ġword",
  ]);
});

Deno.test("BytePairEncoder.encode() leaves out bytes that have no token", () => {
  const vocabulary = made({ without: [0x62, 0xc3] });
  assertEquals(tokens(vocabulary, "abcé"), ["a", "c", "©"]);
  assertEquals(encode(vocabulary, "b"), []);
});

Deno.test("BytePairEncoder.encode() spells a merge that is no token", () => {
  const vocabulary = made({ merges: ["Ġ a", "Ġa b"] });
  const id = vocabulary.tokens.indexOf("Ġab");
  const others = vocabulary.tokens.map((token, i) =>
    i === id ? "other" : token
  );
  assertEquals(tokens({ ...vocabulary, tokens: others }, " ab"), [..."Ġab"]);
});

for (const type of ["control", "user-defined", "unknown", "byte"] as const) {
  Deno.test(`BytePairEncoder.encode() never turns text into a token of type ${type}`, () => {
    const options: MadeByteLevel = { merges: ["a b"], tokens: [["abc", type]] };
    const vocabulary = made({ ...options, pre: "tekken" });
    assertEquals(tokens(vocabulary, "abc"), ["ab", "c"]);
    const types = vocabulary.types.map((kind, id) =>
      vocabulary.tokens[id] === "ab" ? type : kind
    );
    assertEquals(tokens({ ...vocabulary, types }, "abc"), ["a", "b", "c"]);
  });
}

Deno.test("BytePairEncoder.encode() agrees with the definition on random merges", () => {
  const random = seededRandom(3);
  const alphabet = ["a", "b", " ", "é", "a", "1"];
  let merged = 0;
  for (let round = 0; round < 40; round++) {
    // Halves are merges made before, or bytes: some merges can never be met.
    const symbols = [...writeBytes(new TextEncoder().encode("ab é1"))];
    const merges: string[] = [];
    for (let i = 0; i < 40; i++) {
      const pair = [0, 1].map(() =>
        symbols[random(1 + random(symbols.length))]!
      );
      merges.push(pair.join(" "));
      symbols.push(pair.join(""));
    }
    merges.sort(() => random(3) - 1);
    const pre = ["gpt-2", "llama-bpe", "falcon"][round % 3]!;
    const vocabulary = made({
      merges,
      pre: pre === "llama-bpe" ? "dbrx" : pre,
    });
    const encoder = new BytePairEncoder(vocabulary, vocabulary.byteLevel!);
    for (let i = 0; i < 20; i++) {
      const text = Array.from(
        { length: random(24) },
        () => alphabet[random(alphabet.length)],
      ).join("");
      const ids: number[] = [];
      encoder.encode(text, ids);
      assertEquals(ids, encodeByDefinition(vocabulary, text), text);
      merged += ids.filter((id) => id >= 256).length;
    }
  }
  assert(merged > 1500, `there must be merges to compare: ${merged}`);
});

Deno.test("BytePairEncoder.encode() gives the same ids once its cache is full", () => {
  const vocabulary = made({ merges: ["Ġ a", "Ġa b", "1 2"] });
  const encoder = new BytePairEncoder(vocabulary, vocabulary.byteLevel!);
  const words = Array.from(
    { length: 40_000 },
    (_, i) => ` ab${i.toString(26)}`,
  );
  const [first, second]: number[][] = [[], []];
  encoder.encode(words.join(""), first!);
  encoder.encode(words.toReversed().join(""), []);
  encoder.encode(words.join(""), second!);
  assertEquals(first, second);
  assertEquals(
    first!.filter((id) => vocabulary.tokens[id] === "Ġab").length,
    40_000,
  );
});

Deno.test("BytePairEncoder.encode() takes under 1 s for a word of 300,000 letters", async () => {
  const merges = ["a a", "aa aa", "aaaa aaaa", "a b", "b a", "ab ab"];
  const vocabulary = made({ merges });
  for (const word of ["a".repeat(300_000), "ab".repeat(150_000)]) {
    const ms = await bestMs(1000, () => {
      assertEquals(
        tokens(vocabulary, word).reduce((sum, { length }) => sum + length, 0),
        300_000,
      );
    });
    assertLess(ms, 1000);
  }
});
