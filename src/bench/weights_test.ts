import { assertEquals } from "@std/assert";
import { BufferPool } from "../gpu/buffers.ts";
import { createMatrix } from "../kernels/matrix.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import { download, gpuTest, upload } from "../../tests/gpu.ts";
import {
  createRandomRows,
  fillBuffer,
  fillMatrix,
  RANDOM_ROWS,
} from "./weights.ts";

gpuTest("fillBuffer() repeats a buffer and cuts its last copy", async (gpu) => {
  const source = upload(gpu, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const target = upload(gpu, new Float32Array(20));
  fillBuffer(gpu.device, source, target);
  assertEquals(
    [...await download(gpu, target)],
    Array.from({ length: 20 }, (_, i) => i % 8 + 1),
  );
  source.destroy();
  target.destroy();
});

gpuTest(
  "fillMatrix() repeats rows in every plane of every part",
  async (gpu) => {
    // One format of each kind of planes.
    const kinds = Map.groupBy(
      CODECS.values(),
      ({ layout: { high, scales } }) => `${high > 0} ${scales?.blocks}`,
    );
    for (const [codec] of kinds.values()) {
      if (codec === undefined) throw new Error("unreachable");
      using pool = new BufferPool(gpu.device);
      const random = await createRandomRows({ gpu, pool }, codec, {
        cols: 256,
      });
      const { bytes, matrix: rows } = random;
      const weights = codec.dequantize(bytes);
      assertEquals(weights.length, RANDOM_ROWS * 256);
      assertEquals(weights.every(Number.isFinite), true, codec.name);
      const matrix = createMatrix(pool, {
        label: "test",
        rows: 44,
        cols: 256,
        codec,
        maxBytes: rows.parts[0]!.quants.size * 24 / RANDOM_ROWS,
      });
      assertEquals(matrix.parts.map((part) => part.rows), [24, 20]);
      await pool.check("the test");
      fillMatrix(gpu.device, random, matrix);
      for (const part of matrix.parts) {
        for (const plane of ["quants", "scales", "high"] as const) {
          const from = rows.parts[0]![plane];
          const to = part[plane];
          assertEquals(to === undefined, from === undefined);
          if (from === undefined || to === undefined) continue;
          const words = new Uint32Array((await download(gpu, from)).buffer);
          const filled = new Uint32Array((await download(gpu, to)).buffer);
          assertEquals(words.some((word) => word !== 0), true);
          assertEquals(filled, filled.map((_, i) => words[i % words.length]!));
        }
      }
    }
  },
);
