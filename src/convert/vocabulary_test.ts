import { assertEquals, assertRejects } from "@std/assert";
import { memoryCheckpoint } from "../../tests/checkpoint/memory.ts";
import {
  type MadeVocabulary,
  sentencePieceModel,
  tokenizerJson,
} from "../../tests/checkpoint/tokenizer.ts";
import { readGguf } from "../gguf/reader.ts";
import { openSource } from "../gguf/source.ts";
import { readTokenizerFiles } from "./tokenizer_files.ts";
import { convertVocabulary } from "./vocabulary.ts";

type Files = Record<string, string | Uint8Array | object>;

async function convert(
  files: Files,
  { size = 10, config = {}, generation = {} }: {
    size?: number;
    config?: Record<string, unknown>;
    generation?: Record<string, unknown>;
  } = {},
): Promise<Record<string, unknown>> {
  const fields = convertVocabulary({
    files: await readTokenizerFiles(memoryCheckpoint(files)),
    size,
    config,
    generation,
  });
  return Object.fromEntries(fields.map(({ key, value }) => [
    key.replace("tokenizer.ggml.", ""),
    value instanceof Float32Array || value instanceof Int32Array
      ? [...value]
      : value,
  ]));
}

const SMALL: MadeVocabulary = {
  tokens: ["<unk>", "<s>", "</s>", "<0x00>", "▁a", "a", "▁"],
  scores: [0, 0, 0, 0, 0, -1, -2],
  types: [2, 3, 3, 6, 1, 4, 5],
};

const MODEL = { "tokenizer.model": sentencePieceModel(SMALL) };

Deno.test("convertVocabulary() takes pieces, and fills up to the embedding", async () => {
  const fields = await convert(MODEL);
  assertEquals(fields.model, "llama");
  assertEquals(fields.pre, "default");
  assertEquals(fields.tokens, [
    ...SMALL.tokens,
    "[PAD7]",
    "[PAD8]",
    "[PAD9]",
  ]);
  // A symbol of the model's own is plain, as in llama.cpp's converter.
  assertEquals(fields["token_type"], [2, 3, 3, 6, 1, 1, 5, 5, 5, 5]);
  assertEquals(fields.scores, [...SMALL.scores, -10000, -10000, -10000]);
  assertEquals([fields.bos_token_id, fields.eos_token_id], [1, 2]);
  assertEquals(fields.add_space_prefix, undefined);
});

Deno.test("convertVocabulary() adds tokens as the files describe them", async () => {
  const fields = await convert({
    ...MODEL,
    "added_tokens.json": { plain: 7, "<s2>": 8, far: 99 },
    "special_tokens_map.json": { "additional_special_tokens": ["<s2>"] },
    "tokenizer_config.json": {
      "added_tokens_decoder": {
        "4": { content: "▁b▁", special: false },
        "9": { content: "<|x|>", special: false },
      },
      "add_prefix_space": true,
    },
  });
  assertEquals((fields.tokens as string[]).slice(7), [
    "plain",
    "<s2>",
    "<|x|>",
  ]);
  assertEquals((fields.tokens as string[])[4], " b ");
  assertEquals((fields["token_type"] as number[]).slice(7), [4, 3, 3]);
  assertEquals((fields.scores as number[])[4], -1000);
  assertEquals(fields["add_space_prefix"], true);
});

Deno.test("convertVocabulary() finds special ids by text, then by number", async () => {
  const texts = {
    "tokenizer_config.json": { "bos_token": "</s>", "add_bos_token": false },
    "special_tokens_map.json": {
      "bos_token": "<s>",
      "pad_token": { content: "<unk>" },
      "unk_token": "a",
    },
  };
  const fields = await convert({ ...MODEL, ...texts }, {
    config: { "eos_token_id": [1, 2], "unk_token_id": 0, "sep_token_id": 99 },
    generation: { "mask_token_id": 5 },
  });
  assertEquals(
    Object.fromEntries(
      Object.entries(fields).filter(([key]) => key.endsWith("token_id")),
    ),
    {
      "bos_token_id": 2,
      "eos_token_id": 1,
      // "a" is a plain token, and 99 is none
      "unknown_token_id": 0,
      "padding_token_id": 0,
      "mask_token_id": 5,
    },
  );
  assertEquals(fields["add_bos_token"], false);
});

Deno.test("convertVocabulary() gives a tokenizer.json the scores of its tokenizer.model", async () => {
  for (
    const path of [
      "../../tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf",
      "../../models/stories260k-f32.gguf",
    ]
  ) {
    await using source = await openSource(new URL(path, import.meta.url));
    const { metadata } = await readGguf(source);
    const vocabulary: MadeVocabulary = {
      tokens: metadata["tokenizer.ggml.tokens"] as string[],
      scores: metadata["tokenizer.ggml.scores"] as number[],
      types: metadata["tokenizer.ggml.token_type"] as number[],
    };
    const fields = await convert(
      { "tokenizer.json": tokenizerJson(vocabulary) },
      { size: vocabulary.tokens.length },
    );
    assertEquals(fields.model, "llama");
    assertEquals(fields.tokens, vocabulary.tokens);
    assertEquals(fields.token_type, vocabulary.types);
    // Some files have -0.
    assertEquals(fields.scores, vocabulary.scores.map((score) => score + 0));
    assertEquals(fields["add_bos_token"], true);
    assertEquals(fields["add_space_prefix"], undefined);
  }
});

Deno.test("convertVocabulary() takes what only tokenizer.json adds to a tokenizer.model", async () => {
  const added = { "<|end|>": 7, "<|name|>": 8, "a": 5 };
  const fields = await convert({
    ...MODEL,
    "tokenizer.json": tokenizerJson(SMALL, added),
    "added_tokens.json": { "<|other|>": 8 },
    "tokenizer_config.json": { eos_token: "<|end|>" },
  });
  assertEquals(fields.tokens, [
    ...SMALL.tokens,
    "<|end|>",
    "<|other|>",
    "[PAD9]",
  ]);
  assertEquals(fields["token_type"], [2, 3, 3, 6, 1, 1, 5, 3, 3, 5]);
  assertEquals(fields.eos_token_id, 7);
});

/** A byte-level tokenizer of three letters. */
const BYTE_LEVEL = {
  "added_tokens": [
    { id: 5, content: "<|end|>", special: true },
    { id: 6, content: "two words", special: false },
  ],
  "pre_tokenizer": { type: "ByteLevel", "add_prefix_space": false },
  "post_processor": {
    type: "Sequence",
    processors: [
      { type: "ByteLevel" },
      {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: "<|end|>" } }, { Sequence: {} }],
      },
    ],
  },
  model: {
    type: "BPE",
    vocab: { a: 0, b: 1, "Ġ": 2, ab: 3, "Ġab": 4 },
    merges: [["a", "b"], ["Ġ", "ab"]],
  },
};

Deno.test("convertVocabulary() takes a byte-level tokenizer.json", async () => {
  const fields = await convert({
    "tokenizer.json": BYTE_LEVEL,
    "tokenizer_config.json": { "bos_token": "<|end|>" },
  }, { size: 8, config: { "eos_token_id": 5 } });
  assertEquals(fields, {
    model: "gpt2",
    pre: "gpt-2",
    tokens: ["a", "b", "Ġ", "ab", "Ġab", "<|end|>", "two words", "[PAD7]"],
    "token_type": [1, 1, 1, 1, 1, 3, 4, 5],
    merges: ["a b", "Ġ ab"],
    "bos_token_id": 5,
    "eos_token_id": 5,
    "add_bos_token": true,
  });
});

const REFUSED: readonly [string, Files, string][] = [
  ["no tokenizer", {}, "it has no tokenizer"],
  [
    "a unigram model",
    // The message that says which algorithm it is comes after the pieces.
    { "tokenizer.model": sentencePieceModel(SMALL).slice(0, 60) },
    "it is truncated",
  ],
  [
    "more pieces than the embedding has rows",
    {
      "tokenizer.model": sentencePieceModel({
        tokens: new Array(11).fill("x"),
        scores: new Array(11).fill(0),
        types: new Array(11).fill(1),
      }),
    },
    "it has 11 tokens, but the embedding has 10 rows",
  ],
  [
    "another kind of model",
    { "tokenizer.json": { model: { type: "Unigram", vocab: [] } } },
    'its model is "Unigram"',
  ],
  [
    "an id that is none",
    { "tokenizer.json": { model: { type: "BPE", vocab: { a: -1 } } } },
    'the id of "a" is -1',
  ],
  [
    "half a merge",
    {
      "tokenizer.json": {
        model: { type: "BPE", vocab: { a: 0 }, merges: ["a"] },
      },
    },
    'merge 0 is "a", a pair of texts is wanted',
  ],
  [
    "an unknown way to split",
    {
      "tokenizer.json": {
        ...BYTE_LEVEL,
        "pre_tokenizer": { type: "Whitespace" },
      },
    },
    "how it splits words is not known",
  ],
  [
    "an added token without id",
    { ...MODEL, "added_tokens.json": { a: "1" } },
    'the id of "a" is "1"',
  ],
  ["a broken file", { ...MODEL, "tokenizer_config.json": "{" }, "is no JSON"],
];

for (const [what, files, message] of REFUSED) {
  Deno.test(`convertVocabulary() refuses ${what}`, async () => {
    await assertRejects(() => convert(files), Error, message);
  });
}
