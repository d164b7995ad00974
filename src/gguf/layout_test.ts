import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { blockFormatByName } from "./formats.ts";
import { type GgufPlan, layOutGguf, type PlannedTensor } from "./layout.ts";

function tensor(
  name: string,
  shape: number[],
  format = "F32",
): PlannedTensor {
  return { name, shape, format: blockFormatByName(format)! };
}

Deno.test("layOutGguf() puts tensors one behind the other at multiples of the alignment", async () => {
  const tensors = [
    tensor("a", [3, 2]),
    tensor("b", [64], "Q4_0"),
    tensor("c", [2, 1, 1, 2], "F16"),
  ];
  const { header, dataOffset, size, alignment, ...layout } = await layOutGguf({
    fields: [{ key: "general.alignment", type: "u32", value: 16 }],
    tensors,
  });
  assertEquals(alignment, 16);
  assertEquals(dataOffset, Math.ceil(header.length / 16) * 16);
  assertEquals(
    layout.tensors.map(({ name, offset, bytes, elements, shape }) => [
      ...[name, offset - dataOffset, bytes, elements, shape.length],
    ]),
    [["a", 0, 24, 6, 2], ["b", 32, 36, 64, 1], ["c", 80, 8, 4, 4]],
  );
  assertEquals(size, dataOffset + 96);
});

Deno.test("layOutGguf() pads a header without tensors", async () => {
  const { header, dataOffset, size } = await layOutGguf({
    fields: [{ key: "a", type: "u8", value: 1 }],
    tensors: [],
  });
  assertEquals([header.length, dataOffset, size], [38, 64, 64]);
});

// deno-lint-ignore no-explicit-any -- what only JavaScript can give
type Wrong = any;

const REFUSED: [string, Wrong, string][] = [
  ["a u8 of 256", { type: "u8", value: 256 }, "it is 256, 0 to 255 is wanted"],
  ["half an integer", { type: "i32", value: 0.5 }, "it is 0.5, an integer"],
  ["a u64 below 0", { type: "u64", value: -1n }, "it is -1, 0 to 18446744"],
  ["a text as u32", { type: "u32", value: "1" }, 'it is "1", an integer'],
  ["a number as text", { type: "string", value: 1 }, "it is 1, a string"],
  ["half a pair", { type: "string", value: "\ud800" }, "lone surrogates"],
  ["a 1 as bool", { type: "bool", value: 2 }, "it is 2, a boolean is wanted"],
  ["1e39 as f32", { type: "f32", value: 1e39 }, "a number of 32 bits"],
  ["no such type", { type: "u7", value: 1 }, 'its type is "u7", one of u8'],
  [
    "an element out of range",
    { type: "array", of: "i8", value: [1, 128] },
    "element 1: it is 128, -128 to 127 is wanted",
  ],
  [
    "no array",
    { type: "array", of: "i8", value: 3 },
    "it is 3, an array is wanted",
  ],
  [
    "arrays of two types in one",
    {
      type: "array",
      of: "array",
      value: [
        { type: "array", of: "u8", value: [1] },
        { type: "array", of: "i8", value: [1] },
      ],
    },
    "inner arrays of the value types 0 and 1",
  ],
  [
    "an array of over a million elements",
    { type: "array", of: "u8", value: new Uint8Array(1_000_001) },
    "at most 1000000 are wanted",
  ],
];

for (const [what, value, message] of REFUSED) {
  Deno.test(`layOutGguf() refuses ${what}`, async () => {
    const field = { key: "some.key", ...value };
    const error = await assertRejects(
      () => layOutGguf({ fields: [field], tensors: [] }, "/x/out.gguf"),
      Error,
      message,
    );
    assertStringIncludes(error.message, 'Cannot write "/x/out.gguf": key "so');
  });
}

const BROKEN_PLANS: [string, Partial<GgufPlan>, string][] = [
  [
    "a key twice",
    {
      fields: [
        { key: "a", type: "u8", value: 1 },
        { key: "a", type: "u8", value: 1 },
      ],
    },
    'it has the key "a" twice',
  ],
  [
    "a tensor twice",
    { tensors: [tensor("t", [4]), tensor("t", [4])] },
    'it has the tensor "t" twice',
  ],
  ["no dimensions", { tensors: [tensor("t", [])] }, "has 0 dimensions"],
  ["a dimension of 0", { tensors: [tensor("t", [4, 0])] }, "[4, 0], integers"],
  ["half a block", { tensors: [tensor("t", [16], "Q4_0")] }, "rows of 16"],
  [
    "more elements than a file has",
    { tensors: [tensor("t", [2 ** 40, 2 ** 40]), tensor("u", [1])] },
    "1 to 2^53 - 1 elements are wanted",
  ],
  [
    "an alignment of 12",
    { fields: [{ key: "general.alignment", type: "u32", value: 12 }] },
    "general.alignment is 12 of type u32, a power of two",
  ],
  [
    "an alignment of another type",
    { fields: [{ key: "general.alignment", type: "u64", value: 32n }] },
    "general.alignment is 32 of type u64",
  ],
  [
    "a name that was no text",
    { tensors: [tensor("t\ufffd", [4])] },
    "was not valid Unicode",
  ],
  [
    "a header of over 48 MB",
    {
      fields: Array.from({ length: 3 }, (_, i) => ({
        key: `k${i}`,
        type: "string",
        value: new Uint8Array(2 ** 24),
      })),
    },
    "at most 48000000 in all are wanted",
  ],
];

for (const [what, plan, message] of BROKEN_PLANS) {
  Deno.test(`layOutGguf() refuses ${what}`, async () => {
    const error = await assertRejects(
      () => layOutGguf({ fields: [], tensors: [], ...plan }, "out.gguf"),
      Error,
      message,
    );
    assertStringIncludes(error.message, 'Cannot write "out.gguf": ');
  });
}
