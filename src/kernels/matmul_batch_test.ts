import { assertEquals } from "@std/assert";
import { download, poisoned, randomFloats, run } from "../../tests/gpu.ts";
import { productInput } from "../../tests/int8.ts";
import {
  batchOf,
  EVERY_VARIANT,
  hardware,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createMatmul, type MatmulOptions } from "./matmul.ts";
import type { Matrix } from "./matrix.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F16 } from "./quant/f16.ts";
import { Q2_K } from "./quant/q2_k.ts";
import { Q4_K } from "./quant/q4_k.ts";
import { Q6_K } from "./quant/q6_k.ts";
import { Q8_0 } from "./quant/q8_0.ts";
import { matmulVariants } from "./variants.ts";

/** More than one tile, with an edge. */
const ROWS = 70;
/** The largest batch. */
const MOST = 64;

interface Case extends Omit<MatmulOptions, "yStride"> {
  w: Matrix;
  /** Rows of input, `[MOST, cols]`. */
  x: Float32Array<ArrayBuffer>;
}

/** The product of a batch of the rows `ids`, as bits, one array a row. */
async function product(
  scope: KernelScope,
  { w, x, int8, ...options }: Case,
  ids: readonly number[],
): Promise<Uint32Array[]> {
  const { cols } = w;
  const values = Float32Array.from(
    { length: ids.length * cols },
    (_, i) => x[ids[Math.floor(i / cols)]! * cols + i % cols]!,
  );
  const y = poisoned(scope.gpu, ids.length * ROWS);
  const init = new Float32Array(ids.length * ROWS).fill(0.1);
  scope.gpu.device.queue.writeBuffer(y, 0, init);
  const kernel = await createMatmul(scope, w, {
    ...options,
    int8,
    yStride: ROWS,
  });
  const step = kernel.bind({
    ...await productInput(scope, values, { cols, int8 }),
    y,
    batch: batchOf(scope, { rows: ids.length }),
  });
  run(scope.gpu, (pass) => step(pass, ids.length));
  const { buffer } = await download(scope.gpu, y);
  return ids.map((_, i) => new Uint32Array(buffer, 4 * i * ROWS, ROWS));
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const all = Array.from({ length: MOST }, (_, i) => i);
  const wanted = await product(scope, options, all);
  assertEquals(new Set(wanted.map((row) => row.join())).size, MOST);
  for (const count of [1, 2, 7, 16, 17, MOST]) {
    for (const first of count === 1 ? [0, 9, 63] : [5]) {
      // 27 and 64 have no common divisor: no row stands where it stood.
      const ids = all.slice(0, count).map((i) => (first + 27 * i) % MOST);
      const rows = await product(scope, options, ids);
      for (const [i, id] of ids.entries()) {
        assertEquals(rows[i], wanted[id], `row ${id} as row ${i} of ${count}`);
      }
    }
  }
}

/** Floats, and each way that scales and offsets are applied. */
const FORMATS: readonly Codec[] = EVERY_VARIANT
  ? [...CODECS.values()]
  : [F16, Q8_0, Q4_K, Q6_K, Q2_K];

for (
  const [device, on] of [["hardware", hardware], [
    "software",
    software,
  ]] as const
) {
  for (const codec of FORMATS) {
    for (const int8 of codec.quantized ? [false, true] : [false]) {
      scopeTest(
        `matmul gives a row the same bits in every batch when ${codec.name} meets ${
          int8 ? "int8" : "f32"
        } (${device})`,
        async (scope) => {
          const cols = threeBlocks(codec);
          const raw = randomMatrix(codec, { rows: ROWS, cols });
          const w = await uploadMatrix(scope, raw);
          const x = randomFloats(MOST * cols, 3);
          for (const variant of matmulVariants(scope.gpu, { int8 })) {
            const options = { w, x, int8, variant };
            await check(scope, options);
            if (codec !== F16) continue;
            await check(scope, { ...options, accumulate: true });
          }
        },
        on,
      );
    }
  }
}
