import { assertEquals, assertThrows } from "@std/assert";
import { BYTES, CONTROLS, makeMetadata } from "../../tests/vocabularies.ts";
import { readVocabulary } from "./read_vocabulary.ts";

const TOKENS = [...CONTROLS, ["a"], ["b", "unused", -2]] as const;

Deno.test("readVocabulary() reads texts, scores and types", () => {
  const vocabulary = readVocabulary(makeMetadata(TOKENS));
  assertEquals(vocabulary.tokens, ["<unk>", "<s>", "</s>", "a", "b"]);
  assertEquals([...vocabulary.scores], [0, 0, 0, 0, -2]);
  assertEquals(
    vocabulary.types,
    ["unknown", "control", "control", "normal", "unused"],
  );
});

Deno.test("readVocabulary() takes typed arrays and bigints", () => {
  const { scores, types, bosId } = readVocabulary(makeMetadata(TOKENS, {
    "tokenizer.ggml.scores": new Float32Array([0, 1, 2, 3, 4]),
    "tokenizer.ggml.token_type": new BigInt64Array([1n, 1n, 3n, 1n, 6n - 1n]),
    "tokenizer.ggml.bos_token_id": 2n,
  }));
  assertEquals([...scores], [0, 1, 2, 3, 4]);
  assertEquals(types, ["normal", "normal", "control", "normal", "unused"]);
  assertEquals(bosId, 2);
});

Deno.test("readVocabulary() has llama.cpp's defaults where keys are missing", () => {
  const vocabulary = readVocabulary(makeMetadata(TOKENS));
  assertEquals(vocabulary.bosId, 1);
  assertEquals(vocabulary.eosId, 2);
  assertEquals(vocabulary.unknownId, 0);
  assertEquals(vocabulary.padId, undefined);
  assertEquals(vocabulary.addBos, true);
  assertEquals(vocabulary.addEos, false);
  assertEquals(vocabulary.addSpacePrefix, true);
  assertEquals([...vocabulary.endOfGenerationIds], [2]);
});

Deno.test("readVocabulary() takes no default id that is another kind of token", () => {
  const vocabulary = readVocabulary(makeMetadata([["a"], ["b"], ["c"]]));
  assertEquals(vocabulary.bosId, undefined);
  assertEquals(vocabulary.eosId, undefined);
  assertEquals(vocabulary.unknownId, undefined);
  assertEquals(vocabulary.addBos, false);
  assertEquals([...vocabulary.endOfGenerationIds], []);
});

Deno.test("readVocabulary() takes ids and flags from the file", () => {
  const vocabulary = readVocabulary(makeMetadata(TOKENS, {
    "tokenizer.ggml.bos_token_id": 4,
    "tokenizer.ggml.eos_token_id": 3,
    "tokenizer.ggml.unknown_token_id": 2,
    "tokenizer.ggml.padding_token_id": 1,
    "tokenizer.ggml.eot_token_id": 0,
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.ggml.add_eos_token": true,
    "tokenizer.ggml.add_space_prefix": false,
  }));
  assertEquals(vocabulary.bosId, 4);
  assertEquals(vocabulary.eosId, 3);
  assertEquals(vocabulary.unknownId, 2);
  assertEquals(vocabulary.padId, 1);
  assertEquals(vocabulary.addBos, false);
  assertEquals(vocabulary.addEos, true);
  assertEquals(vocabulary.addSpacePrefix, false);
  assertEquals([...vocabulary.endOfGenerationIds], [3, 0]);
});

Deno.test("readVocabulary() has score 0 and normal tokens where the file says nothing", () => {
  const { scores, types } = readVocabulary({
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["a", "b"],
  });
  assertEquals([...scores], [0, 0]);
  assertEquals(types, ["normal", "normal"]);
});

Deno.test("readVocabulary() finds ends of generation by name among special tokens", () => {
  const { endOfGenerationIds } = readVocabulary(makeMetadata([
    ...CONTROLS,
    ["<|eot_id|>", "control"],
    ["<|im_end|>", "user-defined"],
    ["<|end|>", "normal"],
    ["<end_of_turn>", "control"],
    ["<|user|>", "control"],
  ]));
  assertEquals([...endOfGenerationIds], [2, 3, 4, 6]);
});

/** A name of what is wrong, the keys that are, the error's class and text. */
const WRONG: [
  string,
  Record<string, unknown>,
  new (message: string) => Error,
  string,
][] = [
  [
    "another tokenizer",
    { model: "bert" },
    Error,
    `Cannot load tokenizer "bert": its kind is not supported, "llama" or "gpt2" is wanted`,
  ],
  [
    "a tokenizer name of another type",
    { model: 7 },
    Error,
    `Cannot load tokenizer 7`,
  ],
  [
    "no tokenizer",
    { model: undefined },
    Error,
    `tokenizer.ggml.model is missing, "llama" or "gpt2" is wanted`,
  ],
  [
    "no tokens",
    { tokens: undefined },
    Error,
    "tokenizer.ggml.tokens is missing, an array of texts is wanted",
  ],
  [
    "an empty vocabulary",
    { tokens: [], scores: [], token_type: [] },
    Error,
    "tokenizer.ggml.tokens is empty",
  ],
  [
    "tokens that are a string",
    { tokens: "abc" },
    TypeError,
    `tokenizer.ggml.tokens is "abc", an array is wanted`,
  ],
  [
    "a token that is no string",
    { tokens: ["<unk>", "<s>", 3, "a", "b"] },
    TypeError,
    "token 2 is 3, a string is wanted",
  ],
  [
    "too few scores",
    { scores: [1, 2] },
    RangeError,
    "tokenizer.ggml.scores has 2 entries, 5 (one for each token) are wanted",
  ],
  [
    "too many types",
    { token_type: [1, 1, 1, 1, 1, 1] },
    RangeError,
    "tokenizer.ggml.token_type has 6 entries, 5",
  ],
  [
    "a score that is not a number",
    { scores: [0, NaN, 0, 0, 0] },
    TypeError,
    "the score of token 1 is NaN, a number is wanted",
  ],
  [
    "an unknown type number",
    { token_type: [2, 3, 3, 0, 1] },
    RangeError,
    "the type of token 3 is 0, a number from 1 to 6 is wanted",
  ],
  [
    "a byte token without a byte",
    { token_type: [2, 3, 3, 6, 1] },
    RangeError,
    `byte token 3 is "a", a text from <0x00> to <0xFF> is wanted`,
  ],
  [
    "an id beyond the vocabulary",
    { bos_token_id: 5 },
    RangeError,
    "tokenizer.ggml.bos_token_id is 5, an id from 0 to 4 is wanted",
  ],
  [
    "a negative id",
    { unknown_token_id: -1 },
    RangeError,
    "tokenizer.ggml.unknown_token_id is -1",
  ],
  [
    "an id that is no integer",
    { eos_token_id: "</s>" },
    RangeError,
    `tokenizer.ggml.eos_token_id is "</s>"`,
  ],
  [
    "an end of turn beyond the vocabulary",
    { eot_token_id: 2n ** 63n },
    RangeError,
    "tokenizer.ggml.eot_token_id is 9223372036854775808",
  ],
  [
    "a flag that is no boolean",
    { add_bos_token: 1 },
    TypeError,
    "tokenizer.ggml.add_bos_token is 1, a boolean is wanted",
  ],
];

for (const [name, keys, ErrorClass, message] of WRONG) {
  Deno.test(`readVocabulary() throws when there is ${name}`, () => {
    const others = Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [
        `tokenizer.ggml.${key}`,
        value,
      ]),
    );
    const metadata = makeMetadata(TOKENS, others);
    assertThrows(() => readVocabulary(metadata), ErrorClass, message);
  });
}

Deno.test("readVocabulary() throws when BOS is to be added and there is none", () => {
  const metadata = makeMetadata(BYTES, {
    "tokenizer.ggml.add_bos_token": true,
  });
  assertThrows(
    () => readVocabulary(metadata),
    Error,
    "tokenizer.ggml.bos_token_id is missing",
  );
});
