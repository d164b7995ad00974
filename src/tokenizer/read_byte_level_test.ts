import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { bestMs } from "../../tests/best_ms.ts";
import { type MadeByteLevel, makeByteLevel } from "../../tests/vocabularies.ts";
import { readVocabulary } from "./read_vocabulary.ts";
import { Tokenizer } from "./tokenizer.ts";

function read(options: MadeByteLevel) {
  return readVocabulary(makeByteLevel(options));
}

/** Keys of `tokenizer.ggml`. */
function keys(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map((
      [key, value],
    ) => [`tokenizer.ggml.${key}`, value]),
  );
}

Deno.test("readVocabulary() reads merges and the pre-tokenizer of byte-level BPE", () => {
  const { byteLevel, tokens, addSpacePrefix } = read({
    merges: ["a b", "ab c"],
    pre: "qwen2",
  });
  assertEquals(byteLevel!.merges, ["a b", "ab c"]);
  assertEquals(byteLevel!.preTokenizer.names[0], "qwen2");
  assertEquals(tokens.slice(256), ["ab", "abc"]);
  assertEquals(addSpacePrefix, false);
});

Deno.test("readVocabulary() takes the default pre-tokenizer where a file has no name", () => {
  for (const pre of ["default", "", undefined]) {
    const { byteLevel } = read({ others: keys({ pre }) });
    assertEquals(byteLevel!.preTokenizer.names, ["default"]);
  }
});

Deno.test("readVocabulary() adds BOS where the file or the pre-tokenizer says so", () => {
  const add = (pre: string, values: Record<string, unknown>) =>
    read({
      pre,
      tokens: [["<s>", "control"]],
      others: keys({ ["bos_token_id"]: 256, ...values }),
    }).addBos;
  assertEquals(add("gpt-2", {}), false);
  assertEquals(add("qwen2", {}), false);
  assertEquals(add("smaug-bpe", {}), false);
  assertEquals(add("llama-bpe", {}), true);
  assertEquals(add("llama3", {}), true);
  assertEquals(add("tekken", {}), true);
  assertEquals(add("llama-bpe", { ["add_bos_token"]: false }), false);
  assertEquals(add("gpt-2", { ["add_bos_token"]: true }), true);
  assertEquals(read({ pre: "llama-bpe" }).addBos, false);
  assertThrows(
    () => read({ others: keys({ ["add_bos_token"]: true }) }),
    Error,
    "bos_token_id is missing",
  );
});

Deno.test("readVocabulary() has 11 for BOS and EOS only where that is a control token", () => {
  const vocabulary = read({});
  assertEquals(vocabulary.bosId, undefined);
  assertEquals(vocabulary.eosId, undefined);
  assertEquals(vocabulary.unknownId, undefined);
  const type = Array(256).fill(1).with(11, 3);
  const { bosId, eosId, endOfGenerationIds } = read({
    others: keys({ ["token_type"]: type }),
  });
  assertEquals([bosId, eosId, ...endOfGenerationIds], [11, 11, 11]);
});

Deno.test("readVocabulary() knows control tokens of byte-level files by their texts", () => {
  const { types, endOfGenerationIds } = read({
    tokens: [
      ["<|im_end|>", "user-defined"],
      ["<|endoftext|>"],
      ["<｜end▁of▁sentence｜>", "control"],
      ["<｜fim▁hole｜>", "user-defined"],
      ["<|file_sep|>"],
      ["<|im_start|>", "user-defined"],
    ],
    others: keys({ ["eot_token_id"]: 261, ["fim_pad_token_id"]: 1 }),
  });
  assertEquals(types.slice(256), [
    ...Array(5).fill("control"),
    "user-defined",
  ]);
  assertEquals([...endOfGenerationIds].sort(), [1, 256, 257, 258, 260, 261]);
});

Deno.test("readVocabulary() takes user-defined tokens that are spelling for text", () => {
  const texts = ["  ", "\t", "\n\n", "ü", "÷", "€", "𝟘", "\u3000"];
  const marks = ["\ue000", "<>", "[PAD]", "ab", "\u200b", "< ", "a b"];
  const { byteLevel, tokens } = read({
    tokens: [...texts, ...marks].map((text) => [text, "user-defined"]),
  });
  const plain = [...byteLevel!.plainIds].map((id) => tokens[id]);
  assertEquals(plain, texts);
  assertEquals(
    read({ tokens: texts.map((text) => [text, "control"]) }).byteLevel!.plainIds
      .size,
    0,
  );
});

Deno.test("Tokenizer finds user-defined tokens that are spelling in any text", () => {
  const tokenizer = Tokenizer.fromMetadata(makeByteLevel({
    merges: ["Ġ a"],
    tokens: [
      ["  ", "user-defined"],
      ["   ", "user-defined"],
      ["<x>", "user-defined"],
    ],
  }));
  const [two, three, x] = [257, 258, 259];
  assertEquals(tokenizer.encode("     a"), [three, two, 97]);
  assertEquals(tokenizer.encode(" a"), [256]);
  assertEquals(tokenizer.encode("<x>  "), [60, 120, 62, two]);
  assertEquals(tokenizer.encode("<x>  ", { special: true }), [x, two]);
  assertEquals(tokenizer.encodeParts(["a ", " b"]), [97, two, 98]);
  assertEquals(tokenizer.isSpecial(two), false);
  assertEquals(tokenizer.isSpecial(x), true);
  assertEquals(tokenizer.specialId("  "), undefined);
  assertEquals(tokenizer.decode([two, 97]), "  a");
});

const WRONG: [string, Record<string, unknown>, string][] = [
  ["no merges", { merges: undefined }, "merges is missing, an array"],
  ["merges of another type", { merges: "a b" }, 'merges is "a b", an array'],
  ["a merge of another type", { merges: ["a b", 7] }, "merge 1 is 7, a string"],
  ["a pre-tokenizer of another type", { pre: 7 }, "pre is 7, a string"],
  ["an unknown pre-tokenizer", { pre: "x" }, 'pre is "x", one of codeshell'],
  ["no tokens", { tokens: [] }, "tokens is empty"],
  ["too few types", { ["token_type"]: [1] }, "token_type has 1 entries, 256"],
];

for (const [name, values, message] of WRONG) {
  Deno.test(`readVocabulary() refuses byte-level BPE with ${name}`, () => {
    assertThrows(() => read({ others: keys(values) }), Error, message);
  });
}

Deno.test("Tokenizer takes merges that are odd or cannot be met", () => {
  const tokenizer = Tokenizer.fromMetadata(makeByteLevel({
    merges: ["a b"],
    others: keys({ merges: ["", " ", "ab", "a  b", " a b", "a b", "zz yy x"] }),
  }));
  assertEquals(tokenizer.encode("ab"), [256]);
  const none = Tokenizer.fromMetadata(makeByteLevel({}));
  assertEquals(none.encode("ab"), [97, 98]);
});

Deno.test("Tokenizer.encode() takes half a surrogate pair for U+FFFD in byte-level BPE", () => {
  const tokenizer = Tokenizer.fromMetadata(makeByteLevel({}));
  assertEquals(tokenizer.encode("\ud800"), [0xef, 0xbf, 0xbd]);
  assertEquals(tokenizer.encode("a\udc00"), tokenizer.encode("a\ufffd"));
  assertEquals(tokenizer.decode([0xe2, 0x82]), "\ufffd");
  assertEquals(tokenizer.decode([0xe2, 0x82, 0xac]), "€");
});

Deno.test("Tokenizer starts in under 1 s with 128,000 tokens and 250,000 merges", async () => {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const pairs = letters.flatMap((a) => letters.map((b) => a + b)).slice(0, 357);
  const merges = [
    ...pairs.map((pair) => [...pair].join(" ")),
    ...pairs.flatMap((a) => pairs.map((b) => `${a} ${b}`)),
  ];
  const metadata = makeByteLevel({
    merges,
    others: keys({
      merges: [...merges, ...merges.map((merge) => `Ġ${merge}`)],
    }),
  });
  const ms = await bestMs(1000, () => {
    const tokenizer = Tokenizer.fromMetadata(metadata);
    assertEquals(tokenizer.pieces(tokenizer.encode("abac")), ["abac"]);
    assertEquals(tokenizer.size, 256 + 357 + 357 ** 2);
  });
  assertLess(ms, 1000);
});
