import { assert, assertEquals, assertThrows } from "@std/assert";
import { MADE_TOKENS } from "../../../tests/models.ts";
import { makeMetadata } from "../../../tests/vocabularies.ts";
import { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { readBiases } from "./biases.ts";
import { breakerSequences } from "./dry_breakers.ts";
import { resolveSampling } from "./resolve.ts";
import { TokenTexts } from "./token_texts.ts";

const tokenizer = Tokenizer.fromMetadata(makeMetadata(MADE_TOKENS));
const idOf = (token: string) =>
  MADE_TOKENS.findIndex(([text]) => text === token);

const biasesOf = (options: Parameters<typeof resolveSampling>[0]) => {
  const biases = readBiases(resolveSampling(options, tokenizer));
  return Array.from(biases?.ids ?? [], (id, i) => [id, biases!.values[i]]);
};

Deno.test("resolveSampling() takes biases in every form", () => {
  const the = idOf("▁the");
  const expected = [[the, 2.5], [7, -1]];
  assertEquals(biasesOf({ logitBias: [[" the", 2.5], [7, -1]] }), expected);
  assertEquals(
    biasesOf({
      logitBias: new Map<string | number, number>(
        expected as [number, number][],
      ),
    }),
    expected,
  );
  assertEquals(
    biasesOf({ logitBias: { 7: -1, " the": 2.5 } }).sort(),
    expected.toSorted(),
  );
  assertEquals(biasesOf({ logitBias: {} }), []);
  assertEquals(resolveSampling({ logitBias: [] }, tokenizer).logitBias, []);
});

Deno.test("resolveSampling() lets a text stand for all tokens that read so", () => {
  const byte = MADE_TOKENS.findIndex(([text]) => text === "<0x61>");
  assertEquals(biasesOf({ logitBias: { a: 1 } }), [[byte, 1], [idOf("a"), 1]]);
  const banned = biasesOf({ bannedTokens: ["</s>", "<|good|>", 9] });
  assertEquals(banned.map(([id]) => id), [idOf("</s>"), idOf("<|good|>"), 9]);
  assert(banned.every(([, bias]) => bias! < -1e29));
});

Deno.test("resolveSampling() adds up what one token is given, and a ban stays", () => {
  assertEquals(biasesOf({ logitBias: [[5, 1], [5, 2.5]] }), [[5, 3.5]]);
  const options = { logitBias: { 5: 100 }, bannedTokens: [5, 5] };
  const [[id, bias]] = biasesOf(options) as [[number, number]];
  assertEquals(id, 5);
  assert(bias < -1e29);
});

Deno.test("resolveSampling() is done with options that it has resolved", () => {
  const options = {
    dryMultiplier: 1,
    bannedTokens: [" the"],
    logitBias: { a: 1 },
  };
  const once = resolveSampling(options, tokenizer);
  assertEquals(resolveSampling(once, tokenizer), once);
});

Deno.test("resolveSampling() refuses what is no token, and biases out of range", () => {
  const wrong: [Parameters<typeof resolveSampling>[0], string][] = [
    [{ logitBias: { "xyz": 1 } }, 'the text "xyz" is no token, it takes 4,'],
    [{ bannedTokens: ["on"] }, 'the text "on" is no token, " on" is one'],
    [{ bannedTokens: [""] }, 'the text "" is no token, it takes 0'],
    [{ logitBias: { 300: 1 } }, "a token is 300, an integer from 0 to 2"],
    [{ logitBias: [[-1, 1]] }, "a token is -1"],
    [{ bannedTokens: [1.5] }, "a token is 1.5"],
    [{ logitBias: { 5: Infinity } }, "the bias of 5 is Infinity"],
    [{ logitBias: { 5: NaN } }, "the bias of 5 is NaN"],
    [{ logitBias: { a: 1e7 } }, 'the bias of "a" is 10000000'],
    [{ logitBias: { 5: "1" as unknown as number } }, "the bias of 5 is 1"],
    [
      { bannedTokens: MADE_TOKENS.map((_, id) => id) },
      `all ${MADE_TOKENS.length} tokens are banned`,
    ],
    [{ dryMultiplier: 1, drySequenceBreakers: [""] }, "has 0 bytes"],
    [
      { dryMultiplier: 1, drySequenceBreakers: ["é".repeat(21)] },
      "has 42 bytes, from 1 to 40 are wanted",
    ],
    [{ dryMultiplier: 1, drySequenceBreakers: [[]] }, "a breaker has no ids"],
  ];
  for (const [options, message] of wrong) {
    const resolve = () => resolveSampling(options, tokenizer);
    assertThrows(resolve, RangeError, message);
  }
  const token = { bannedTokens: [null as unknown as number] };
  assertThrows(() => resolveSampling(token, tokenizer), TypeError, "null");
  assertThrows(() => readBiases({ logitBias: { a: 1 } }), TypeError, '"a"');
  assertThrows(
    () => resolveSampling({ logitBias: [5] as never }, tokenizer),
    TypeError,
    "logitBias has 5, a pair of a token and its bias is wanted",
  );
  const noLists = {
    bannedTokens: " the",
    logitBias: "a=1",
    samplers: "topK",
    drySequenceBreakers: ":",
  };
  for (const [name, value] of Object.entries(noLists)) {
    assertThrows(
      () => resolveSampling({ [name]: value }, tokenizer),
      TypeError,
      `${name} is "${value}", an`,
    );
  }
});

Deno.test("resolveSampling() finds breakers only where they are looked for", () => {
  assertEquals(resolveSampling({}, tokenizer), {});
  const { drySequenceBreakers } = resolveSampling(
    { preset: "creative" },
    tokenizer,
  );
  // A newline as a byte and as a token; the rest are bytes here.
  const expected = ["<0x0A>", "\n", "<0x3A>", "<0x22>", "<0x2A>"].map(idOf);
  assertEquals(drySequenceBreakers?.map(([id]) => id), expected);
  assert(drySequenceBreakers?.every(({ length }) => length === 1));
  const ids = resolveSampling(
    { dryMultiplier: 1, drySequenceBreakers: [[4, 5], "!"] },
    tokenizer,
  ).drySequenceBreakers;
  assertEquals(ids, [[4, 5], [idOf("<0x21>")], [idOf("!")]]);
});

Deno.test("breakerSequences() finds every token that a text can begin in", () => {
  const texts = new TokenTexts(tokenizer);
  const find = (text: string) =>
    breakerSequences(text, tokenizer, texts)
      .map((ids) => ids.map((id) => MADE_TOKENS[id]![0]));
  assertEquals(
    find("e t").toSorted(),
    [
      ["<0x65>", "▁", "t"],
      ["e", "▁", "t"],
      ["the", "▁", "t"],
      ["▁the", "▁", "t"],
    ].toSorted(),
  );
  // Within a token, and from the end of one on.
  assertEquals(
    find("th").toSorted(),
    [
      ["<0x74>", "h"],
      ["t", "h"],
      ["th"],
      ["the"],
      ["▁the"],
    ].toSorted(),
  );
  // Half a character is a byte; the other half is one, too.
  assertEquals(find("é").toSorted(), [["<0xC3>", "<0xA9>"], ["é"]].toSorted());
  assertEquals(find("<|user|>")[0], [
    "<0x3C>",
    "<0x7C>",
    "u",
    "s",
    "e",
    "r",
    "<0x7C>",
    "<0x3E>",
  ]);
});
