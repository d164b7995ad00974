import {
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  array,
  buildGguf,
  f32Tensor,
  type GgufValue,
  nested,
  scalar,
  string,
  u32,
} from "../../tests/gguf_builder.ts";
import { type Refusal, refuses, scan, watched } from "../../tests/gguf_scan.ts";
import { Cursor } from "./cursor.ts";
import { scanHeader } from "./scan.ts";

const TWO_TENSORS = [
  f32Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6]),
  f32Tensor("b", [1], [7]),
];

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("scanHeader() finds where values and tensors lie", async () => {
  for (const version of [2, 3]) {
    const { values, tensors, ...header } = await scan({
      version,
      metadata: { word: string("hi"), n: u32(7), l: array("string", ["a"]) },
      tensors: TWO_TENSORS,
    });
    assertEquals(header, { version, alignment: 32, dataOffset: 192 });
    assertEquals([...values], [
      { key: "word", type: 8, offset: 40, end: 50 },
      { key: "n", type: 4, offset: 63, end: 67 },
      { key: "l", type: 9, offset: 80, end: 101 },
    ]);
    assertEquals(
      tensors.map(({ name, shape, format, offset, bytes, elements }) => [
        name,
        [...shape],
        format.name,
        offset,
        bytes,
        elements,
      ]),
      [["a", [2, 3], "F32", 192, 24, 6], ["b", [1], "F32", 224, 4, 1]],
    );
  }
});

Deno.test("scanHeader() accepts a file that ends right after its header", async () => {
  const bytes = buildGguf({ metadata: { n: u32(7) }, pad: false });
  const { tensors, dataOffset } = await scan(bytes);
  assertEquals([tensors.length, dataOffset, bytes.length], [0, 64, 41]);
  assertEquals((await scan({ pad: false })).values.length, 0);
});

Deno.test("scanHeader() takes the alignment from the file", async () => {
  for (const alignment of [1, 4, 4096]) {
    const header = await scan({ alignment, tensors: TWO_TENSORS });
    assertEquals(header.alignment, alignment);
    assertEquals(header.dataOffset % alignment, 0);
    assertEquals(header.tensors[0]!.offset, header.dataOffset);
  }
  const header = await scan({ alignment: 2 ** 31, pad: false });
  assertEquals(header.dataOffset, 2 ** 31);
});

Deno.test("scanHeader() reads a long header in pieces, once each", async () => {
  const words = Array.from({ length: 100_000 }, (_, i) => `token ${i}`);
  const bytes = buildGguf({
    metadata: {
      words: array("string", words),
      long: string("x".repeat(3_000_000)),
      scores: array("f32", words.map((_, i) => i)),
      after: u32(7),
    },
    tensors: TWO_TENSORS,
  });
  const { source, seen } = await watched(bytes);
  const { values, tensors } = await scanHeader(new Cursor(source));
  assertEquals(values.map(({ key }) => key), [
    "words",
    "long",
    "scores",
    "after",
  ]);
  assertEquals(tensors.length, 2);
  assertEquals(seen.most, 2 ** 20);
  assertLess(seen.bytes, bytes.length * 1.01);
});

Deno.test("scanHeader() refuses a file that is cut anywhere", async () => {
  const bytes = buildGguf({
    alignment: 8,
    metadata: {
      s: string("abc"),
      l: array("string", ["a", "bc"]),
      n: nested([array("u16", [1]), array("u16", [])]),
      d: scalar("f64", 0.5),
    },
    tensors: TWO_TENSORS,
  });
  await scan(bytes);
  for (let length = 0; length < bytes.length; length++) {
    const error = await assertRejects(() => scan(bytes.slice(0, length)));
    assertStringIncludes((error as Error).message, 'Cannot read "x.gguf": ');
  }
});

refuses("an empty file", new Uint8Array(), [
  SyntaxError,
  "it is empty, a GGUF file is wanted",
]);
refuses("a file that is no GGUF", ascii("PK\x03\x04 and more"), [
  SyntaxError,
  'it starts with 50 4b 03 04 ("PK\\u0003\\u0004"), ' +
  'a GGUF file starts with "GGUF"',
]);
refuses("a file of two bytes", ascii("GG"), [
  SyntaxError,
  'it starts with 47 47 ("GG")',
]);
refuses("a file of the magic alone", ascii("GGUF"), [
  RangeError,
  "its header is truncated, 4 bytes are wanted at byte 4 of 4",
]);
refuses("a big-endian file", ascii("GGUF\0\0\0\x03"), [
  SyntaxError,
  "it is big-endian",
]);
for (const version of [0, 1, 4, 1000]) {
  refuses(`version ${version}`, { version }, [
    SyntaxError,
    `its GGUF version is ${version}, 2 or 3 is wanted`,
  ]);
}

refuses("10^12 tensors", { tensorCount: 10n ** 12n }, [
  RangeError,
  "the tensor count at byte 8 is 1000000000000, and only 16 bytes follow",
]);
refuses("2^64 - 1 tensors", { tensorCount: 2n ** 64n - 1n }, [
  RangeError,
  "is 18446744073709551615, and only",
]);
refuses("2^63 keys", { keyCount: 2n ** 63n }, [
  RangeError,
  "the key count at byte 16 is 9223372036854775808, and only 8 bytes follow",
]);
refuses("more keys than there should be", headOnly(0, 100_001), [
  RangeError,
  "it has 100001 keys, at most 100000 are wanted",
]);
refuses("more tensors than there should be", headOnly(100_001, 0), [
  RangeError,
  "it has 100001 tensors, at most 100000 are wanted",
]);

/** Counts that the length of the file does not rule out. */
function headOnly(tensorCount: number, keyCount: number): Uint8Array {
  const bytes = new Uint8Array(4_000_000);
  bytes.set(buildGguf({ tensorCount, keyCount, pad: false }));
  return bytes;
}

refusesKey("a string of 2^60 bytes", { ...string("a"), length: 2n ** 60n }, [
  RangeError,
  'the length of a string of key "k" at byte 37 is 1152921504606846976, ' +
  "and only 19 bytes follow",
]);
refusesKey("2^63 elements", { ...array("u8", [1]), length: 2n ** 63n }, [
  RangeError,
  'the length of an array of key "k" at byte 41 is 9223372036854775808',
]);
refusesKey("more numbers than fit", { ...array("u64", [1]), length: 4 }, [
  RangeError,
  'the length of an array of key "k" at byte 41 is 4, and only 15',
]);
refusesKey("more strings than fit", { ...array("string", ["a"]), length: 3 }, [
  RangeError,
  'the length of an array of key "k" at byte 41 is 3, and only 15',
]);
refusesKey("an unknown value type", { ...u32(1), typeId: 13 }, [
  TypeError,
  'key "k" has the value type 13 at byte 33, 0 to 12 is wanted',
]);
refusesKey("an unknown element type", {
  ...array("u8", [1]),
  elementTypeId: 77,
}, [TypeError, 'key "k" has the value type 77 at byte 37, 0 to 12 is wanted']);
refusesKey(
  "arrays in five levels",
  nested([nested([nested([nested([array("u8", [1])])])])]),
  [RangeError, 'key "k" has arrays nested deeper than 4 at byte 85'],
);
refusesKey(
  "inner arrays of two types",
  nested([array("u8", [1]), array("string", ["a"])]),
  [TypeError, 'key "k" has inner arrays of the value types 0 and 8'],
);
refusesKey(
  "an array of more than a million",
  array("u8", new Uint8Array(1_000_001)),
  [RangeError, 'key "k" has an array of 1000001 elements, at most 1000000'],
);
refusesKey(
  "arrays of more than four millions",
  nested(Array(5).fill(array("u8", new Uint8Array(900_000)))),
  [RangeError, "at most 1000000 are wanted and 4000000 in all arrays"],
);
function refusesKey(
  what: string,
  value: GgufValue,
  error: Refusal,
): void {
  refuses(`a key with ${what}`, { metadata: { k: value } }, error);
}

refuses("a header that is too large", largeString(), [
  RangeError,
  "its header has 48000000 bytes at byte 45, " +
  "at most 48000000 in all are wanted",
]);

function largeString(): Uint8Array {
  const bytes = new Uint8Array(49_000_000);
  const value: GgufValue = { ...string(""), length: 48_000_000 };
  bytes.set(buildGguf({ metadata: { k: value }, pad: false }));
  return bytes;
}

refuses("a key that comes twice", {
  metadata: [["a\n", u32(1)], ["b", u32(2)], ["a\n", u32(3)]],
}, [SyntaxError, 'it has the key "a\\n" twice']);
refuses("a key that is too long", {
  metadata: { ["k".repeat(65_536)]: u32(1) },
}, [RangeError, "the length of key 0 is 65536, at most 65535 is wanted"]);
for (const alignment of [0, 24, 2 ** 31 + 1]) {
  refuses(`an alignment of ${alignment}`, {
    metadata: { "general.alignment": u32(alignment) },
  }, [RangeError, `general.alignment is ${alignment}, a power of two`]);
}
refuses("an alignment that is no uint32", {
  metadata: { "general.alignment": scalar("u64", 32) },
}, [
  TypeError,
  "general.alignment has the value type 10, 4 (uint32) is wanted",
]);
