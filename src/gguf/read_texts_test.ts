import { assertEquals } from "@std/assert";
import { readExactly, readTexts } from "./read_texts.ts";

/** Puts texts one behind the other, with other bytes between them. */
function read(parts: readonly (string | number[])[]) {
  const bytes: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (const part of parts) {
    bytes.push(0xff, 0xc3);
    starts.push(bytes.length);
    bytes.push(
      ...(typeof part === "string" ? new TextEncoder().encode(part) : part),
    );
    ends.push(bytes.length);
  }
  return readTexts(Uint8Array.from(bytes), {
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
  });
}

Deno.test("readTexts() reads texts of any characters", () => {
  const texts = ["", "a", "\ufeff", "é▁😀", "\u0000", "", "😀😀", "\uffff", ""];
  assertEquals(read(texts), texts);
  assertEquals(read([]), []);
});

Deno.test("readTexts() gives the bytes of texts that are not valid", () => {
  const broken = [
    [0xff],
    [0x80],
    [0xc3],
    [0xed, 0xa0, 0x80], // half a surrogate pair
    [0xf0, 0x9f, 0x98],
    [0xc0, 0x80],
  ];
  for (const bytes of broken) {
    assertEquals(read(["a", bytes, "é"]), ["a", Uint8Array.from(bytes), "é"]);
  }
});

Deno.test("readTexts() keeps characters apart that two texts make together", () => {
  assertEquals(read(["x", [0xc3], [0xa9], "y"]), [
    "x",
    Uint8Array.of(0xc3),
    Uint8Array.of(0xa9),
    "y",
  ]);
});

Deno.test("readExactly() knows U+FFFD from what is not valid, long or short", () => {
  for (const length of [1, 5000]) {
    const text = "\ufffd".repeat(length);
    assertEquals(readExactly(new TextEncoder().encode(text)), text);
    const broken = new TextEncoder().encode(text + "a");
    broken[broken.length - 1] = 0xff;
    assertEquals(readExactly(broken), broken);
  }
});
