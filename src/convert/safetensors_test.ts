import { assertEquals, assertRejects } from "@std/assert";
import {
  prefixed,
  safetensorsHeader,
} from "../../tests/checkpoint/safetensors.ts";
import { openSource } from "../gguf/source.ts";
import { readSafetensors } from "./safetensors.ts";

async function read(bytes: Uint8Array) {
  await using source = await openSource(bytes);
  return (await readSafetensors(source))
    .map(({ source: _, ...tensor }) => tensor);
}

/** A file of a header and so many bytes of data. */
function file(header: Uint8Array, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(header.length + dataBytes);
  bytes.set(header);
  return bytes;
}

function entry(dtype: string, shape: unknown, offsets: unknown) {
  return { dtype, shape, data_offsets: offsets };
}

Deno.test("readSafetensors() finds the tensors in the order of their data", async () => {
  const header = prefixed(JSON.stringify({
    b: entry("F32", [2], [6, 14]),
    "__metadata__": { format: "pt" },
    a: entry("BF16", [3, 1], [0, 6]),
    none: entry("I64", [0, 4], [6, 6]),
    scalar: entry("F64", [], [14, 22]),
  }));
  const start = header.length;
  assertEquals(await read(file(header, 22)), [
    { name: "a", dtype: "BF16", shape: [3, 1], offset: start, bytes: 6 },
    { name: "none", dtype: "I64", shape: [0, 4], offset: start + 6, bytes: 0 },
    { name: "b", dtype: "F32", shape: [2], offset: start + 6, bytes: 8 },
    { name: "scalar", dtype: "F64", shape: [], offset: start + 14, bytes: 8 },
  ]);
});

Deno.test("readSafetensors() counts bytes when names are not ASCII", async () => {
  const header = prefixed(
    `{"é▁😀":${JSON.stringify(entry("U8", [1], [0, 1]))}} `,
  );
  const [tensor] = await read(file(header, 1));
  assertEquals(tensor!.name, "é▁😀");
  assertEquals(tensor!.offset, header.length);
});

Deno.test("readSafetensors() takes a file without tensors", async () => {
  assertEquals(await read(safetensorsHeader([])), []);
});

const A = entry("F32", [2], [0, 8]);

const BROKEN: readonly [string, Uint8Array, string][] = [
  ["nothing", new Uint8Array(0), "it has 0 bytes"],
  ["a length alone", prefixed(""), "it has 8 bytes"],
  [
    "a length beyond the end",
    prefixed("{}").with(1, 1),
    "its header has 258 bytes, and the file 10",
  ],
  [
    "a length beyond 2^63",
    prefixed("{}").fill(255, 0, 8),
    "its header has 18446744073709551615 bytes",
  ],
  ["another kind of file", prefixed("[1,2,3]"), 'does not start with "{"'],
  ["no JSON", prefixed('{"a":}'), "it is no JSON"],
  [
    "bytes that are no text",
    file(prefixed('{"a":1}'), 0).with(10, 0xff),
    "its header is not valid UTF-8",
  ],
  [
    "a name twice",
    prefixed('{"a":{},"\\u0061":{}}'),
    'its JSON has the name "a" twice',
  ],
  [
    "a key of a tensor twice",
    prefixed('{"a":{"dtype":"F32","dtype":"F16"}}'),
    'its JSON has the name "dtype" twice',
  ],
  [
    "a header of many levels",
    prefixed(`{"a":${"[".repeat(1e5)}`),
    "more than 4 levels",
  ],
  ["a number for a tensor", prefixed('{"a":1}'), 'tensor "a" is 1, an object'],
  [
    "an unknown type",
    prefixed(JSON.stringify({ a: { ...A, dtype: "F3" } })),
    'tensor "a" has the dtype "F3", one of BOOL',
  ],
  [
    "a type that all objects have",
    prefixed(JSON.stringify({ a: { ...A, dtype: "constructor" } })),
    'the dtype "constructor"',
  ],
  [
    "half a row",
    prefixed(JSON.stringify({ a: { ...A, shape: [0.5] } })),
    "has the shape [0.5]",
  ],
  [
    "a length below 0",
    prefixed(JSON.stringify({ a: { ...A, shape: [-1, -2] } })),
    "has the shape [-1,-2]",
  ],
  [
    "more elements than there can be",
    prefixed(JSON.stringify({ a: { ...A, shape: [2 ** 52, 2 ** 52] } })),
    "has the shape",
  ],
  [
    "a shape of another size",
    file(prefixed(JSON.stringify({ a: { ...A, shape: [3] } })), 8),
    "has 8 bytes, its shape [3] and dtype F32 want 12",
  ],
  [
    "one offset",
    prefixed(JSON.stringify({ a: { ...A, data_offsets: [0] } })),
    "has the data_offsets [0], [begin, end] is wanted",
  ],
  [
    "an end before the beginning",
    prefixed(JSON.stringify({ a: { ...A, data_offsets: [8, 0] } })),
    "has the data_offsets [8,0]",
  ],
  [
    "tensors on each other",
    file(
      prefixed(JSON.stringify({ a: A, b: entry("F32", [1], [4, 8]) })),
      8,
    ),
    'tensors "a" and "b" overlap at byte 4 of the data',
  ],
  [
    "a hole",
    file(
      prefixed(JSON.stringify({ a: A, b: entry("F32", [1], [12, 16]) })),
      16,
    ),
    'there is a hole of 4 bytes before tensor "b"',
  ],
  [
    "data that is cut",
    file(prefixed(JSON.stringify({ a: A })), 7),
    'truncated data, tensor "a" ends at byte 8 of the data, and there are 7',
  ],
  [
    "data that goes on",
    file(prefixed(JSON.stringify({ a: A })), 9),
    "1 bytes follow the last tensor",
  ],
];

for (const [what, bytes, message] of BROKEN) {
  Deno.test(`readSafetensors() refuses ${what}`, async () => {
    await assertRejects(() => read(bytes), Error, message);
  });
}
