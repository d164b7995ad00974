import { assertEquals } from "@std/assert";
import { utf8Ranges } from "./utf8.ts";

const encoder = new TextEncoder();

function isCovered(code: number, sequences: ReturnType<typeof utf8Ranges>) {
  const bytes = encoder.encode(String.fromCodePoint(code));
  return sequences.filter((ranges) =>
    ranges.length === bytes.length &&
    ranges.every(([low, high], i) => bytes[i]! >= low && bytes[i]! <= high)
  ).length;
}

Deno.test("utf8Ranges() covers each code point once, and no other", () => {
  const ends = [0, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0x1234, 0xd7ff, 0xe000];
  const all = [...ends, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff];
  for (const low of all) {
    for (const high of all.filter((end) => end >= low)) {
      const sequences = utf8Ranges(low, high);
      const probes = all.flatMap((
        code,
      ) => [code - 1, code, code + 1, code + 64])
        .filter((code) => code >= 0 && code <= 0x10ffff)
        .filter((code) => code < 0xd800 || code > 0xdfff);
      for (const code of probes) {
        assertEquals(
          isCovered(code, sequences),
          code >= low && code <= high ? 1 : 0,
          `${code} in ${low}-${high}`,
        );
      }
    }
  }
});

Deno.test("utf8Ranges() is empty when the range is, or is of surrogates", () => {
  assertEquals(utf8Ranges(5, 4), []);
  assertEquals(utf8Ranges(0xd800, 0xdfff), []);
});
