import { assertEquals, assertThrows } from "@std/assert";
import { preTokenizerName } from "./pre_tokenizer.ts";
import { readTokenizerJson } from "./tokenizer_json.ts";

const BYTES = { type: "ByteLevel", "add_prefix_space": false };
const AS_BYTES = { ...BYTES, "use_regex": false };

function split(regex: string) {
  return {
    type: "Split",
    pattern: { Regex: regex },
    behavior: "Isolated",
    invert: false,
  };
}

function sequence(...pretokenizers: object[]) {
  return { type: "Sequence", pretokenizers };
}

function tokenizer(preTokenizer: unknown, ignoreMerges = false) {
  return readTokenizerJson({
    "pre_tokenizer": preTokenizer,
    model: {
      type: "BPE",
      vocab: {},
      merges: [],
      "ignore_merges": ignoreMerges,
    },
  }, "t");
}

const CASES = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const LLAMA3 = split(
  String
    .raw`${CASES}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
);

/** As the models' own files have it. */
const MODELS: readonly [name: string, steps: object, ignoreMerges?: boolean][] =
  [
    ["gpt-2", BYTES],
    ["llama-bpe", sequence(LLAMA3, AS_BYTES), true],
    ["smaug-bpe", sequence(LLAMA3, AS_BYTES)],
    [
      "qwen2",
      sequence(
        split(
          String
            .raw`${CASES}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
        ),
        AS_BYTES,
      ),
    ],
    [
      "smollm",
      sequence({ type: "Digits", "individual_digits": true }, {
        ...BYTES,
        "use_regex": true,
      }),
    ],
    [
      "tekken",
      sequence(
        split(
          String
            .raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
        ),
        AS_BYTES,
      ),
    ],
    [
      "deepseek-coder",
      sequence(
        split(String.raw`[\r\n]`),
        split(String.raw`\s?\p{L}+`),
        split(String.raw`\s?\p{P}+`),
        split("[一-龥ࠀ-一가-퟿]+"),
        { type: "Digits", "individual_digits": true },
        AS_BYTES,
      ),
    ],
  ];

for (const [name, steps, ignoreMerges] of MODELS) {
  Deno.test(`preTokenizerName() knows ${name}`, () => {
    assertEquals(preTokenizerName(tokenizer(steps, ignoreMerges)), name);
  });
}

const UNKNOWN: readonly [string, unknown][] = [
  ["no way to split", null],
  ["a pattern of its own", sequence(split("x+"), AS_BYTES)],
  ["a space before the text", { ...BYTES, "add_prefix_space": true }],
  ["numbers as a whole", sequence({ type: "Digits" }, BYTES)],
  [
    "words that are thrown away",
    sequence({ ...LLAMA3, behavior: "Removed" }, AS_BYTES),
  ],
];

for (const [what, steps] of UNKNOWN) {
  Deno.test(`preTokenizerName() refuses ${what}`, () => {
    assertThrows(
      () => preTokenizerName(tokenizer(steps)),
      Error,
      "how it splits words is not known",
    );
  });
}

Deno.test("preTokenizerName() takes a name that is given when it is known", () => {
  assertEquals(preTokenizerName(tokenizer(null), "falcon"), "falcon");
  assertThrows(
    () => preTokenizerName(tokenizer(null), "nobody"),
    Error,
    'tokenizer.ggml.pre is "nobody"',
  );
});
