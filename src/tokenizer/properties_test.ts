/**
 * What holds for the tokenizer whatever the text is, and how long it takes.
 *
 * @module
 */

import { assert, assertEquals, assertFalse, assertLess } from "@std/assert";
import { bestMs } from "../../tests/best_ms.ts";
import {
  loadMetadata,
  randomCharacter,
  randomText,
  seededRandom,
} from "../../tests/vocabularies.ts";
import { Tokenizer } from "./tokenizer.ts";

const METADATA = await loadMetadata("models/tiny-archangel-q8_0.gguf");
const TOKENIZER = Tokenizer.fromMetadata(METADATA);

/** Random texts, with names of special tokens, spaces and line ends in them. */
function* randomTexts(seed: number, count: number): Generator<string> {
  const random = seededRandom(seed);
  const words = ["<s>", "</s>", "<|good|>", "<|bad|>", "<0x0A>", "<unk>"]
    .concat(["  ", "\n", "\r\n", "\t", " the", "ing", "Hello", "\ufeff"]);
  for (let i = 0; i < count; i++) {
    yield Array.from(
      { length: random(12) },
      () =>
        random(2) === 0 ? words[random(words.length)]! : randomText(random, 4),
    ).join("").replaceAll("\u2581", "");
  }
}

Deno.test("Tokenizer.decode() is the inverse of encode()", () => {
  for (const text of randomTexts(1, 1500)) {
    assertEquals(TOKENIZER.decode(TOKENIZER.encode(text)), text);
    const ids = TOKENIZER.encode(text, { bos: false });
    assertEquals(TOKENIZER.decode(ids), text);
  }
});

Deno.test("Tokenizer.encode() never gives a special id for text", () => {
  for (const text of randomTexts(2, 1500)) {
    const ids = TOKENIZER.encode(text, { bos: false });
    assertFalse(ids.some((id) => TOKENIZER.isSpecial(id)), text);
    assertFalse(ids.includes(0), text);
  }
});

Deno.test("Tokenizer.stream() gives decode()'s text and no half characters", () => {
  for (const text of randomTexts(3, 800)) {
    if (text.includes("\ufffd")) continue;
    const stream = TOKENIZER.stream();
    let streamed = "";
    for (const id of TOKENIZER.encode(text)) {
      const chunk = stream.push(id);
      assert(chunk.isWellFormed() && !chunk.includes("\ufffd"), text);
      streamed += chunk;
    }
    assertEquals(stream.flush(), "");
    assertEquals(streamed, text);
  }
});

Deno.test("Tokenizer.stream() gives decode()'s text for any ids", () => {
  const random = seededRandom(4);
  for (let i = 0; i < 500; i++) {
    const ids = Array.from(
      { length: random(20) },
      () => random(2) === 0 ? random(300) : random(TOKENIZER.size),
    );
    for (const special of [false, true]) {
      const stream = TOKENIZER.stream({ special });
      const chunks = ids.map((id) => stream.push(id));
      assertEquals(
        chunks.join("") + stream.flush(),
        TOKENIZER.decode(ids, { special }),
      );
    }
  }
});

Deno.test("Tokenizer.stream() goes on after previousId as decode() does", () => {
  for (const text of randomTexts(5, 200)) {
    const ids = TOKENIZER.encode(`a${text}`);
    for (let at = 1; at < ids.length; at++) {
      if (TOKENIZER.typeOf(ids[at - 1]!) === "byte") continue;
      const stream = TOKENIZER.stream({ previousId: ids[at - 1]! });
      const rest = ids.slice(at).map((id) => stream.push(id)).join("");
      const start = TOKENIZER.decode(ids.slice(0, at));
      assertEquals(start + rest + stream.flush(), `a${text}`);
    }
  }
});

/** A text of 100 kB (in UTF-8) made of random parts. */
function text100kB(part: (random: (n: number) => number) => string): string {
  const random = seededRandom(6);
  const encoder = new TextEncoder();
  let text = "";
  for (let bytes = 0; bytes < 100_000;) {
    const next = part(random);
    text += next;
    bytes += encoder.encode(next).length;
  }
  return text;
}

const LONG_TEXTS: Record<string, string> = {
  "one letter": "a".repeat(100_000),
  "spaces": " ".repeat(100_000),
  "line ends": "\n".repeat(100_000),
  "two letters": "ab".repeat(50_000),
  "random letters": text100kB((random) =>
    String.fromCharCode(0x61 + random(26))
  ),
  "words": text100kB((random) => TOKENIZER.pieces([259 + random(20_000)])[0]!),
  "random characters": text100kB(randomCharacter),
  "emoji": text100kB((random) => String.fromCodePoint(0x1f600 + random(80))),
};

for (const [name, text] of Object.entries(LONG_TEXTS)) {
  Deno.test(`Tokenizer.encode() takes under 0.3 s for 100 kB of ${name}`, async () => {
    assertLess(await bestMs(300, () => TOKENIZER.encode(text)), 300);
  });
}

Deno.test("Tokenizer.decode() gives 100 kB of text back", () => {
  for (const [name, text] of Object.entries(LONG_TEXTS)) {
    const decoded = TOKENIZER.decode(TOKENIZER.encode(text));
    assert(decoded === text.replaceAll("\u2581", " "), name);
  }
});

Deno.test("Tokenizer starts in under 0.3 s with 32,002 tokens", async () => {
  const start = () => Tokenizer.fromMetadata(METADATA).encode("a");
  assertLess(await bestMs(300, start), 300);
});
