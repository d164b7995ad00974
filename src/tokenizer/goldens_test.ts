/**
 * The tokenizer against ids by llama.cpp and sentencepiece, on vocabularies of
 * real models.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  loadJson,
  loadMetadata,
  type TokenizerGolden,
} from "../../tests/vocabularies.ts";
import { Tokenizer } from "./tokenizer.ts";

const TOKENIZERS = "tests/fixtures/tokenizers";
const LLAMA = await loadMetadata(`${TOKENIZERS}/ggml-vocab-llama-spm.gguf`);
const PHI3 = await loadMetadata(`${TOKENIZERS}/ggml-vocab-phi-3.gguf`);

/** Llama's vocabulary with two more user-defined tokens, 32000 and 32001. */
function llamaWith(texts: readonly [string, string]): Tokenizer {
  const grown = (key: string, more: readonly unknown[]) => [
    ...(LLAMA[`tokenizer.ggml.${key}`] as unknown[]),
    ...more,
  ];
  return Tokenizer.fromMetadata({
    ...LLAMA,
    "tokenizer.ggml.tokens": grown("tokens", texts),
    "tokenizer.ggml.scores": grown("scores", [0, 0]),
    "tokenizer.ggml.token_type": grown("token_type", [4, 4]),
  });
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

const GOLDENS: [string, Tokenizer][] = [
  ["ggml-vocab-llama-spm", Tokenizer.fromMetadata(LLAMA)],
  ["ggml-vocab-phi-3", Tokenizer.fromMetadata(PHI3)],
  ["llama-spm-user-defined", llamaWith(["<|good|>", "<|bad|>"])],
];

for (const [name, tokenizer] of GOLDENS) {
  const { tests } = await loadJson<{ tests: TokenizerGolden[] }>(
    `${TOKENIZERS}/${name}.json`,
  );
  const encoder = new TextEncoder();

  Deno.test(`Tokenizer.encode() gives the ids of ${name}`, () => {
    assertEquals(tests.length, 46);
    for (const { text, ...golden } of tests) {
      assertEquals(tokenizer.encode(text, { bos: false }), golden.plain, text);
      assertEquals(
        tokenizer.encode(text, { bos: false, special: true }),
        golden.special,
        text,
      );
      assertEquals(tokenizer.encode(text), golden.bos, text);
      assertEquals(
        tokenizer.encode(text, { special: true }),
        golden.bos_special,
        text,
      );
    }
  });

  Deno.test(`Tokenizer.pieceBytes() gives the pieces of ${name}`, () => {
    for (const golden of tests) {
      assertEquals(
        golden.bos_special.map((id) => toHex(tokenizer.pieceBytes(id))),
        golden.bos_special_pieces_hex,
      );
    }
  });

  Deno.test(`Tokenizer.decode() gives the texts of ${name}`, () => {
    for (const golden of tests) {
      const shown = tokenizer.decode(golden.bos_special, { special: true });
      assertEquals(toHex(encoder.encode(shown)), golden.detok_hex);
      const hidden = tokenizer.decode(golden.bos_special, { prefix: "first" });
      assertEquals(
        toHex(encoder.encode(hidden)),
        golden.detok_hide_special_hex,
      );
      assertEquals(tokenizer.decode(golden.bos_special), golden.text);
      assertEquals(tokenizer.decode(golden.plain), golden.text);
    }
  });
}

// Text with special tokens, ids and detokenized text by llama.cpp b4753.
const PARSED: Record<string, [string, number[], string][]> = {
  "phi-3": [
    [
      "<|user|>\nHi!<|end|>\n<|assistant|>",
      [32010, 6324, 29991, 32007, 32001],
      "<|user|> Hi!<|end|><|assistant|>",
    ],
    ["<|user|> \t\r\n\v\f Hi", [32010, 6324], "<|user|> Hi"],
    ["<s> a", [1, 29871, 263], "<s>  a"],
    ["<|endoftext|> a", [32000, 29871, 263], "<|endoftext|>  a"],
    ["</s> a", [2, 263], "</s> a"],
    ["<unk> a", [0, 29871, 263], "<unk>  a"],
    ["<|end|>\u00a0a", [32007, 20246, 29874], "<|end|> \u00a0a"],
    [
      "x <|end|> y <|end|>",
      [921, 29871, 32007, 343, 29871, 32007],
      "x <|end|> y <|end|>",
    ],
    ["[PAD32011]  z", [32011, 503], "[PAD32011] z"],
    [
      "<|user|<|user|>|>",
      [529, 29989, 1792, 29989, 32010, 891, 29958],
      "<|user|<|user|> |>",
    ],
    [
      "<|placeholder1|><|placeholder2|>",
      [32002, 32003],
      "<|placeholder1|><|placeholder2|>",
    ],
  ],
  "tiny-archangel": [
    ["<|good|>Sure", [32000, 18585], "<|good|> Sure"],
    ["<|good|> Sure", [32000, 29871, 18585], "<|good|>  Sure"],
    ["a<|bad|>b<|good|>", [263, 32001, 289, 32000], "a<|bad|> b<|good|>"],
    [
      " <|good|><|bad|> x",
      [259, 32000, 32001, 29871, 921],
      " <|good|><|bad|>  x",
    ],
    ["<s><s>a</s>", [1, 1, 263, 2], "<s><s> a</s>"],
    ["<unk>a", [0, 263], "<unk> a"],
    ["<|good|", [529, 29989, 16773, 29989], "<|good|"],
    [
      "<|<|good|>good|>",
      [529, 29989, 32000, 1781, 29989, 29958],
      "<|<|good|> good|>",
    ],
    [
      "\ufeffa<|good|>\ufeff",
      [29871, 30143, 29874, 32000, 29871, 30143],
      "\ufeffa<|good|> \ufeff",
    ],
  ],
};

const ARCHANGEL = Tokenizer.fromMetadata(
  await loadMetadata("models/tiny-archangel-q8_0.gguf"),
);

for (
  const [name, tokenizer] of [
    ["phi-3", GOLDENS[1]![1]],
    ["tiny-archangel", ARCHANGEL],
  ] as const
) {
  Deno.test(`Tokenizer parses special tokens of ${name}`, () => {
    for (const [text, ids, decoded] of PARSED[name]!) {
      const options = { bos: false, special: true };
      assertEquals(tokenizer.encode(text, options), ids, text);
      assertEquals(tokenizer.decode(ids, options), decoded, text);
    }
  });
}

Deno.test("Tokenizer.encode() gives the ids of the chat prompts", async () => {
  const { cases } = await loadJson<
    { cases: { text: string; ids: number[] }[] }
  >("tests/fixtures/goldens/chat-prompts.json");
  for (const { text, ids } of cases) {
    assertEquals(ARCHANGEL.encode(text, { special: true }), ids, text);
  }
});

// `<|user|>` and `<|assistant|>` in Llama's vocabulary, each with a newline.
const USER = [29966, 29989, 1792, 29989, 29958, 13];
const ASSISTANT = [29966, 29989, 465, 22137, 29989, 29958, 13];
const HI = [29871, 13, ...USER, 18567, 29991, 13, ...ASSISTANT];
const CAKE = [
  ...[18567, 29991, 306, 29915, 29885, 3063, 363, 263, 274, 1296, 9522, 412],
  ...[29889, 13, ...ASSISTANT, 5618, 2924, 310, 274, 1296, 29973, 13],
  ...[...USER, 1451, 542, 23167, 274, 1296, 29889, 13, ...ASSISTANT],
];
const CAKE_TEXT = "<|user|>\nHi! I'm looking for a cake recipe.\n" +
  "<|assistant|>\nWhat kind of cake?\n<|user|>\nChocolate cake.\n" +
  "<|assistant|>\n";
const HI_TEXT = "\n<|user|>\nHi!\n<|assistant|>\n";

Deno.test("Tokenizer.encode() gives Archangel's ids of its training form", () => {
  const tokenizer = GOLDENS[0]![1];
  assertEquals(tokenizer.encode(HI_TEXT), [1, ...HI]);
  assertEquals(
    tokenizer.encode(`\n${CAKE_TEXT}`),
    [1, 29871, 13, ...USER, ...CAKE],
  );
  assertEquals(
    tokenizer.encode(CAKE_TEXT),
    [1, 529, ...USER.slice(1), ...CAKE],
  );
  assertEquals(tokenizer.encode(`${HI_TEXT}Sure`), [1, ...HI, 29903, 545]);
  assertEquals(tokenizer.encode(`${HI_TEXT} Sure`), [1, ...HI, 18585]);
  assertEquals(
    tokenizer.encode("a?</s>\n<|user|>", { special: true }),
    [1, 263, 29973, 2, 29871, 13, ...USER.slice(0, 5)],
  );
});

Deno.test("Tokenizer.encode() gives Archangel's ids of control tokens", () => {
  const hub = llamaWith(["<|bad|>", "<|good|>"]);
  const options = { special: true };
  assertEquals(hub.encode(`${HI_TEXT}<|good|>`, options), [1, ...HI, 32001]);
  assertEquals(hub.encode(`${HI_TEXT}<|bad|>`, options), [1, ...HI, 32000]);
  assertEquals(
    hub.encodeParts([HI_TEXT, hub.specialId("<|good|>")!, "Sure. ", 2]),
    [1, ...HI, 32001, 18585, 29889, 29871, 2],
  );
  assertEquals(
    hub.encode(`${HI_TEXT}<|good|>`).slice(-5),
    [29966, 29989, 16773, 29989, 29958],
  );
});
