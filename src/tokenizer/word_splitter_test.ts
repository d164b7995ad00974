import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { bestMs } from "../../tests/best_ms.ts";
import { randomText, seededRandom } from "../../tests/vocabularies.ts";
import { findPreTokenizer, PRE_TOKENIZERS } from "./pre_tokenizers.ts";
import { WordSplitter } from "./word_splitter.ts";

function split(name: string, text: string): string[] {
  return new WordSplitter(findPreTokenizer(name)).split(text);
}

// Name, text, and its words with a bar between.
const CASES: [string, string, string][] = [
  [
    "gpt-2",
    "It's 'S they'RE  we've12345",
    "It|'s| '|S| they|'|RE| | we|'ve|12345",
  ],
  ["gpt-2", "a  \n\n  b \u00a0\u00a0c ", "a|  \n\n | b| \u00a0|\u00a0|c| "],
  ["gpt-2", "e\u0301 ½²Ⅷ 😀!?", "e|\u0301| ½²Ⅷ| 😀!?"],
  ["llama-bpe", "It'S 'tis\u212a'VE", "It|'S| '|tis\u212a|'VE"],
  [
    "llama-bpe",
    "1234567 12\r\n\r\n  x.\n\n y",
    "123|456|7| |12|\r\n\r\n| | x|.\n\n| y",
  ],
  ["llama-bpe", "\tfoo _bar\u3000baz", "\tfoo| _|bar|\u3000baz"],
  ["llama-bpe", "𝟘𝟙𝟚𝟛 𐐀𐐁", "𝟘𝟙𝟚|𝟛| 𐐀𐐁"],
  ["qwen2", "1234 ab", "1|2|3|4| ab"],
  ["deepseek-llm", "Füße 123漢字\r\n  ", "F|üß|e| |123|漢字|\r|\n|  "],
  ["deepseek-llm", "x\u10d0𐐀 𐓿", "x|\u10d0|𐐀| 𐓿"],
  ["deepseek-llm", "\ufeffa\ufeff", "\ufeff|a|\ufeff"],
  ["deepseek-coder", " a1, b 漢字。", " a|1|,| b| |漢字|。"],
  ["deepseek-v3", "~a ~ 1234ひらがなab", "~a| ~| |123|4|ひらがな|ab"],
  ["falcon", "a+b $12345!", "a|+|b| |$|123|45|!"],
  ["starcoder", "x12 = 'a'", "x|1|2| =| '|a|'"],
  ["smollm", "v1.0", "v|1|.|0"],
  ["tekken", "HTTPServer fooBar ÉCOLE é", "HTTPServer| foo|Bar| É|COLE| é"],
  ["tekken", "a/b//\n/c 12", "a|/b|//\n/|c| |1|2"],
  ["default", "x1234~ 's", "x|123|4|~| |'|s"],
];

for (const [name, text, words] of CASES) {
  Deno.test(`WordSplitter.split() splits ${JSON.stringify(text)} as ${name} does`, () => {
    assertEquals(split(name, text).join("|"), words);
  });
}

Deno.test("WordSplitter.split() loses nothing and gives no empty words", () => {
  const random = seededRandom(7);
  const texts = Array.from({ length: 100 }, () => randomText(random, 30));
  for (const { names: [name] } of PRE_TOKENIZERS) {
    for (const text of ["", ...texts]) {
      const words = split(name!, text.toWellFormed());
      assertEquals(words.join(""), text.toWellFormed());
      assert(!words.includes(""));
    }
  }
});

const LONG: Record<string, string> = {
  "one letter": "A".repeat(300_000),
  "letters of both cases": "aA".repeat(150_000),
  "spaces before a digit": " ".repeat(300_000) + "5",
  "spaces before a letter": " ".repeat(300_000) + "a",
  "line ends and tabs": "\n\t".repeat(150_000),
  "punctuation": "'".repeat(300_000),
  "digits": "7".repeat(300_000),
  "emoji": "😀".repeat(150_000),
};

for (const [kind, text] of Object.entries(LONG)) {
  Deno.test(`WordSplitter.split() takes linear time for 300 kB of ${kind}`, async () => {
    for (const { names: [name] } of PRE_TOKENIZERS) {
      const splitter = new WordSplitter(findPreTokenizer(name!));
      const ms = await bestMs(400, () => {
        assertEquals(splitter.split(text).join("").length, text.length);
      });
      assertLess(ms, 400, name);
    }
  });
}

Deno.test("findPreTokenizer() finds every name once, and its aliases", () => {
  const names = PRE_TOKENIZERS.flatMap(({ names }) => names);
  assertEquals(new Set(names).size, names.length);
  for (const name of names) assert(findPreTokenizer(name).names.includes(name));
  assertEquals(findPreTokenizer("llama3"), findPreTokenizer("llama-bpe"));
});

Deno.test("findPreTokenizer() throws and names those it knows", () => {
  const error = assertThrows(() => findPreTokenizer("gpt-5"), Error);
  assert(
    error.message.startsWith(
      'Cannot load tokenizer: tokenizer.ggml.pre is "gpt-5", one of codeshell, ',
    ),
    error.message,
  );
  assert(error.message.includes("llama-bpe, "), error.message);
  assert(error.message.endsWith(" is wanted"), error.message);
});
