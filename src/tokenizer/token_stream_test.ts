import { assertEquals, assertThrows } from "@std/assert";
import { BYTES, CONTROLS, makeMetadata } from "../../tests/vocabularies.ts";
import { TokenStream, type TokenStreamOptions } from "./token_stream.ts";
import { readVocabulary } from "./read_vocabulary.ts";

const [UNK, BOS, EOS] = [0, 1, 2];
const BYTE = CONTROLS.length;
const HELLO = BYTE + BYTES.length; // "▁hello"
const GOOD = HELLO + 1; // "<|good|>", user-defined
const METADATA = makeMetadata([
  ...CONTROLS,
  ...BYTES,
  ["\u2581hello"],
  ["<|good|>", "user-defined"],
]);

/** What each push gives, and then the flush. */
function pushAll(
  ids: readonly number[],
  options?: TokenStreamOptions,
): string[] {
  const stream = new TokenStream(readVocabulary(METADATA), options);
  return [...ids.map((id) => stream.push(id)), stream.flush()];
}

function bytes(...values: number[]): number[] {
  return values.map((value) => BYTE + value);
}

Deno.test("TokenStream drops the space of the first piece only", () => {
  assertEquals(pushAll([HELLO, HELLO]), ["hello", " hello", ""]);
});

Deno.test("TokenStream drops the space after each special token", () => {
  assertEquals(
    pushAll([BOS, HELLO, GOOD, HELLO, EOS, HELLO]),
    ["", "hello", "<|good|>", "hello", "", "hello", ""],
  );
});

Deno.test("TokenStream keeps the space after a token that is not special", () => {
  assertEquals(pushAll([HELLO], { previousId: HELLO }), [" hello", ""]);
  assertEquals(pushAll([HELLO], { previousId: BYTE + 10 }), [" hello", ""]);
});

Deno.test("TokenStream drops the space when the token before was special", () => {
  assertEquals(pushAll([HELLO], { previousId: GOOD }), ["hello", ""]);
});

Deno.test("TokenStream shows special tokens and strips the first piece only when asked", () => {
  assertEquals(
    pushAll([BOS, HELLO, UNK, GOOD, HELLO], { special: true }),
    ["<s>", " hello", "<unk>", "<|good|>", " hello", ""],
  );
  assertEquals(pushAll([HELLO], { special: true }), ["hello", ""]);
  assertEquals(
    pushAll([HELLO], { special: true, previousId: BOS }),
    [" hello", ""],
  );
});

Deno.test("TokenStream keeps every space when the file adds no prefix", () => {
  const vocabulary = readVocabulary({
    ...METADATA,
    "tokenizer.ggml.add_space_prefix": false,
  });
  assertEquals(new TokenStream(vocabulary).push(HELLO), " hello");
});

Deno.test("TokenStream holds bytes until the character is complete", () => {
  assertEquals(
    pushAll(bytes(0x41, 0xf0, 0x9f, 0x98, 0x80, 0xc3, 0xa9)),
    ["A", "", "", "", "😀", "", "é", ""],
  );
});

Deno.test("TokenStream keeps a byte order mark", () => {
  assertEquals(
    pushAll(bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf)),
    ["", "", "\ufeff", "", "", "\ufeff", ""],
  );
});

Deno.test("TokenStream puts a character together around a token that is left out", () => {
  const [first, ...rest] = bytes(0xf0, 0x9f, 0x98, 0x80) as [number];
  assertEquals(
    pushAll([first, EOS, ...rest]),
    ["", "", "", "", "😀", ""],
  );
});

Deno.test("TokenStream drops a space that is a byte token as well", () => {
  assertEquals(
    pushAll(bytes(0x20, 0x20, 0x41)),
    ["", " ", "A", ""],
  );
});

Deno.test("TokenStream shows U+FFFD when a character stays unfinished", () => {
  assertEquals(pushAll(bytes(0xf0, 0x9f)), ["", "", "\ufffd"]);
  assertEquals(
    pushAll([...bytes(0xf0, 0x9f), HELLO]),
    ["", "", "\ufffd hello", ""],
  );
  assertEquals(pushAll(bytes(0xff, 0xc3, 0x41)), ["\ufffd", "", "\ufffdA", ""]);
});

Deno.test("TokenStream can be used on after a flush", () => {
  const stream = new TokenStream(readVocabulary(METADATA));
  assertEquals(stream.push(BYTE + 0xc3), "");
  assertEquals(stream.flush(), "\ufffd");
  assertEquals(stream.flush(), "");
  assertEquals(stream.push(HELLO), " hello");
});

for (const id of [-1, 0.5, NaN, HELLO + 2, 2 ** 32]) {
  Deno.test(`TokenStream.push() throws when the id is ${id}`, () => {
    assertThrows(
      () => pushAll([id]),
      RangeError,
      `Cannot look up token ${id}: the vocabulary has 261 tokens, an id from 0 to 260 is wanted`,
    );
  });
}

Deno.test("TokenStream throws when there is no token previousId", () => {
  assertThrows(() => pushAll([], { previousId: 999 }), RangeError, "token 999");
});
