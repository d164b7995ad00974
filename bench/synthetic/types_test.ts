import { assertEquals, assertThrows } from "@std/assert";
import { inspectModel } from "../../src/engine/inspect.ts";
import { findShape } from "./shapes.ts";
import { describeTensors, listTensors } from "./tensors.ts";
import { findType, TYPES } from "./types.ts";

/** GB of a file of llama13b, and so of kernels.md: as llama.cpp writes them. */
const SIZES: [type: string, gigabytes: number][] = [
  ["q4_0", 7.37],
  ["q4_k_m", 7.87],
  ["q5_k_m", 9.23],
  ["q6_k", 10.68],
  ["q8_0", 13.83],
  ["f16", 26.03],
];

Deno.test("describeTensors() makes llama13b as large as llama.cpp does", () => {
  for (const [type, gigabytes] of SIZES) {
    const tensors = listTensors(describeTensors(findShape("llama13b"), type));
    assertEquals(tensors.length, 40 * 9 + 3);
    const bytes = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    assertEquals((bytes / 1e9).toFixed(2), gigabytes.toFixed(2), type);
    const parameters = tensors.reduce((sum, t) => sum + t.elements, 0);
    assertEquals(parameters, 13_015_864_320);
  }
});

for (const file of ["nano-gqa-Q8_0", "nano-gqa-Q3_K_M", "nano-hd128-Q4_0"]) {
  Deno.test(`describeTensors() mixes formats as ${file} does`, async () => {
    const path = new URL(
      `../../tests/fixtures/models/${file}.gguf`,
      import.meta.url,
    );
    const { config, tensors } = await inspectModel(path);
    const tied = tensors.every(({ name }) => name !== "output.weight");
    const type = file.split("-").at(-1)!;
    const made = listTensors(describeTensors({ ...config!, tied }, type));
    assertEquals(
      Object.fromEntries(made.map((t) => [t.name, [t.format.name, t.shape]])),
      Object.fromEntries(tensors.map((t) => [t.name, [t.type, t.shape]])),
    );
  });
}

Deno.test("findType() gives more bits to a third of the layers of a mix", () => {
  const { codecOf } = findType("q4_k_m");
  const place = { layers: 40, groupSize: 1, isHead: false, cols: 5120 };
  const mixed = Array.from(
    { length: 40 },
    (_, layer) => codecOf({ ...place, name: "attn_v", layer }).name,
  );
  const more = mixed.flatMap((name, layer) => name === "Q6_K" ? [layer] : []);
  assertEquals(more, [
    ...[0, 1, 2, 3, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34],
    ...[35, 36, 37, 38, 39],
  ]);
  assertEquals(codecOf({ ...place, name: "attn_q", layer: 0 }).name, "Q4_K");
});

Deno.test("findType() takes smaller blocks where a row has no whole number", () => {
  const place = { name: "attn_q", layer: 9, layers: 40, groupSize: 1 };
  for (const type of TYPES) {
    for (const cols of [256, 64, 7]) {
      const codec = findType(type).codecOf({ ...place, isHead: false, cols });
      assertEquals(cols % codec.fileBlock.weights, 0, `${type} ${cols}`);
    }
  }
});

Deno.test("findType() refuses what is no type", () => {
  assertThrows(
    () => findType("q4"),
    RangeError,
    'Cannot make a model: there is no type "q4", one of F32, F16, ',
  );
});
