/**
 * Byte-level BPE against ids by llama.cpp, on parts of real vocabularies.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { loadByteLevelFixtures } from "../../tests/byte_level.ts";
import { PRE_TOKENIZERS } from "./pre_tokenizers.ts";
import { Tokenizer } from "./tokenizer.ts";

const FIXTURES = (await loadByteLevelFixtures()).map((fixture) => ({
  ...fixture,
  tokenizer: Tokenizer.fromMetadata(fixture.metadata),
}));

for (const { name, tokenizer, cases } of FIXTURES) {
  const { addBos, bosId } = tokenizer.vocabulary;
  const begin = addBos ? [bosId!] : [];

  Deno.test(`Tokenizer.encode() gives llama.cpp's ids of ${name}`, () => {
    assert(cases.length >= 46);
    for (const { text, plain, special } of cases) {
      assertEquals(tokenizer.encode(text, { bos: false }), plain, text);
      assertEquals(tokenizer.encode(text), [...begin, ...plain], text);
      assertEquals(tokenizer.count(text), begin.length + plain.length);
      const parsed = tokenizer.encode(text, { special: true });
      assertEquals(parsed, [...begin, ...special], text);
    }
  });

  Deno.test(`Tokenizer.decode() gives llama.cpp's texts of ${name}`, () => {
    for (const { special, shown, hidden } of cases) {
      const ids = [...begin, ...special];
      const clean = { cleanSpaces: true };
      assertEquals(tokenizer.decode(ids, { ...clean, special: true }), shown);
      assertEquals(tokenizer.decode(ids, clean), hidden);
      assertEquals(
        tokenizer.decode(ids, { ...clean, prefix: "first" }),
        hidden,
      );
    }
  });

  Deno.test(`Tokenizer.stream() gives the text of ${name}, never half a character`, () => {
    for (const { text, plain } of cases) {
      const decoded = tokenizer.decode(plain);
      // Falcon and StarCoder lack some bytes
      if (!/falcon|starcoder|refact/.test(name)) assertEquals(decoded, text);
      const stream = tokenizer.stream();
      const chunks = plain.map((id) => stream.push(id));
      if (!decoded.includes("\ufffd")) {
        assert(!chunks.some((chunk) => chunk.includes("\ufffd")));
      }
      assertEquals(chunks.join("") + stream.flush(), decoded);
    }
  });
}

Deno.test("the fixtures have every way of splitting words", () => {
  const names = new Set(FIXTURES.map(({ name }) => name));
  const patterns = PRE_TOKENIZERS.filter((row) =>
    row.names.some((name) => names.has(name))
  ).map(({ patterns }) => patterns.join());
  for (const row of PRE_TOKENIZERS) {
    assert(patterns.includes(row.patterns.join()), row.names[0]);
  }
});
