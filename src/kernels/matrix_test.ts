import { assertEquals, assertLessOrEqual } from "@std/assert";
import { download } from "../../tests/gpu.ts";
import { scopeTest } from "../../tests/kernels.ts";
import { createMatrix, matrixBytes, strideOf } from "./matrix.ts";
import type { Codec } from "./quant/codec.ts";
import { F16 } from "./quant/f16.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q8_0 } from "./quant/q8_0.ts";

Deno.test("strideOf() rounds up to whole blocks", () => {
  assertEquals([1, 31, 32, 33, 172].map(strideOf), [32, 32, 32, 64, 192]);
});

Deno.test("matrixBytes() counts quants, scales and padding", () => {
  const bytes = (codec: Codec, rows: number, cols: number) =>
    matrixBytes({ rows, cols, codec });
  assertEquals(bytes(F32, 3, 32), 3 * 32 * 4);
  assertEquals(bytes(F16, 3, 33), 3 * 64 * 2);
  assertEquals(bytes(Q8_0, 4, 96), 4 * 3 * 34);
  assertEquals(bytes(Q4_0, 4, 96), 4 * 3 * 18);
  // The largest tensor of 70B: no overflow.
  assertEquals(bytes(F32, 128256, 8192), 128256 * 8192 * 4);
});

const shapes = [
  { codec: Q4_0, rows: 31, cols: 96, maxBytes: 500, parts: [8, 8, 8, 7] },
  { codec: Q8_0, rows: 9, cols: 64, maxBytes: 256, parts: [4, 4, 1] },
  { codec: Q8_0, rows: 8, cols: 64, maxBytes: 64 * 8, parts: [8] },
  { codec: Q8_0, rows: 9, cols: 64, maxBytes: 64 * 8, parts: [8, 1] },
  { codec: F32, rows: 5, cols: 33, maxBytes: 256 * 7, parts: [4, 1] },
  { codec: F16, rows: 1, cols: 32, maxBytes: 2 ** 20, parts: [1] },
];

for (const { codec, rows, cols, maxBytes, parts } of shapes) {
  scopeTest(
    `createMatrix() makes ${parts.length} parts when ${rows} x ${cols} ${codec.name} go into ${maxBytes} bytes`,
    ({ pool }) => {
      const label = "w";
      const w = createMatrix(pool, { label, rows, cols, codec, maxBytes });
      assertEquals(w.blocks, Math.ceil(cols / 32));
      assertEquals(w.parts.map((part) => part.rows), parts);
      let firstRow = 0;
      for (const part of w.parts) {
        assertEquals(part.firstRow, firstRow);
        firstRow += part.rows;
        const blocks = part.rows * w.blocks;
        const { quants, scales } = codec.layout;
        assertEquals(part.quants.size, blocks * quants);
        assertLessOrEqual(part.quants.size, maxBytes);
        assertEquals(part.scales !== undefined, scales !== undefined);
        if (part.scales === undefined || scales === undefined) continue;
        const scaleBytes = blocks / scales.blocks * scales.bytes;
        assertLessOrEqual(scaleBytes, part.scales.size);
        assertEquals(part.scales.label, "w.scales");
      }
      return Promise.resolve();
    },
  );
}

scopeTest("createMatrix() gives zeros", async ({ gpu, pool }) => {
  const shape = { rows: 4, cols: 32, codec: Q8_0 };
  const w = createMatrix(pool, { ...shape, label: "w", maxBytes: 2 ** 20 });
  const quants = await download(gpu, w.parts[0]!.quants);
  assertEquals(quants, new Float32Array(4 * 8));
});
