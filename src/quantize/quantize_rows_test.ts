import { assert, assertEquals, assertThrows } from "@std/assert";
import { readQuantizeGoldens } from "../../tests/quantize_goldens.ts";
import { blockFormatByName } from "../gguf/formats.ts";
import { QUANTIZABLE, quantizeRows } from "./quantize_rows.ts";

const GOLDENS = await readQuantizeGoldens();

for (const golden of GOLDENS) {
  const { format, what, rows, columns, importance, blocks } = golden;
  Deno.test(`quantizeRows() writes llama.cpp's ${format} of ${what}`, () => {
    const packed = quantizeRows(format, rows, columns, { importance });
    const { bytes } = blockFormatByName(format)!;
    const wrong = packed.findIndex((byte, i) => byte !== blocks[i]);
    assertEquals(
      wrong,
      -1,
      `block ${Math.floor(wrong / bytes)} differs at byte ${wrong % bytes}`,
    );
    assertEquals(packed.length, blocks.length);
  });
}

Deno.test("quantizeRows() is compared in every format with llama.cpp", () => {
  const compared = new Set(GOLDENS.map(({ format }) => format));
  assertEquals(QUANTIZABLE.filter((name) => !compared.has(name)), ["F32"]);
  for (const kind of ["model", "made"]) {
    assert(GOLDENS.filter(({ what }) => what === kind).length >= 14);
    const weighed = GOLDENS.filter(({ what }) =>
      what === `${kind} by importance`
    );
    assert(weighed.length >= 11);
  }
});

Deno.test("quantizeRows() keeps the bits of F32", () => {
  const rows = Float32Array.of(1, -0, NaN, 1e-45);
  const packed = quantizeRows("F32", rows, 2);
  assertEquals(packed, new Uint8Array(rows.buffer));
});

Deno.test("quantizeRows() writes each row as if it were alone", () => {
  const { rows, columns } = GOLDENS.find(({ what }) => what === "model")!;
  const importance = Float32Array.from({ length: columns }, (_, i) => i % 7);
  for (const format of QUANTIZABLE) {
    const all = quantizeRows(format, rows, columns, { importance });
    const row = rows.subarray(3 * columns, 4 * columns);
    const alone = quantizeRows(format, row, columns, { importance });
    const at = 3 * alone.length;
    assertEquals(all.subarray(at, at + alone.length), alone, format);
  }
});

Deno.test("quantizeRows() fills the array that it is given", () => {
  const rows = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const out = new Uint8Array(68).fill(255);
  assertEquals(quantizeRows("Q8_0", rows, 64, { out }), out);
  assertEquals(out, quantizeRows("Q8_0", rows, 64));
});

Deno.test("quantizeRows() packs no rows to no bytes", () => {
  assertEquals(quantizeRows("Q4_K", new Float32Array(), 256).length, 0);
});

Deno.test("quantizeRows() refuses what cannot be packed", () => {
  const rows = new Float32Array(512);
  const cases: [() => unknown, typeof Error, string][] = [
    [() => quantizeRows("IQ2_XS", rows, 256), TypeError, '"IQ2_XS"'],
    [() => quantizeRows("q4_0", rows, 256), TypeError, '"q4_0"'],
    [() => quantizeRows("Q4_K", rows, 128), RangeError, "128 columns"],
    [() => quantizeRows("Q4_0", rows, 0), RangeError, "0 columns"],
    [() => quantizeRows("Q4_0", rows, 96), RangeError, "whole rows of 96"],
    [
      () => quantizeRows("Q4_0", rows, 256, { out: new Uint8Array(7) }),
      RangeError,
      "room for 7 bytes, 288 are wanted",
    ],
    [
      () =>
        quantizeRows("Q4_0", rows, 256, { importance: new Float32Array(32) }),
      RangeError,
      "importance of 32 columns is given, 256 are wanted",
    ],
    ...[-1, NaN, Infinity].map((bad): [() => unknown, typeof Error, string] => [
      () =>
        quantizeRows("Q4_0", rows, 256, {
          importance: new Float32Array(256).fill(bad, 9),
        }),
      RangeError,
      `importance of column 9 is ${bad}`,
    ]),
  ];
  for (const [call, kind, message] of cases) {
    assertThrows(call, kind, message);
  }
});
