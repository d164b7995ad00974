import { assertEquals } from "@std/assert";
import { BLOCK_GOLDENS, weightBits } from "../../tests/blocks.ts";
import { download, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  narrowTest,
  padRows,
  poisonedOutput,
} from "../../tests/kernels.ts";
import {
  randomMatrix,
  type RawMatrix,
  threeBlocks,
  uploadMatrix,
  type UploadMatrixOptions,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createEmbed } from "./embed.ts";
import { strideOf } from "./matrix.ts";
import { CODECS } from "./quant/codecs.ts";
import { F16 } from "./quant/f16.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q8_0 } from "./quant/q8_0.ts";

interface Lookup extends UploadMatrixOptions {
  raw: RawMatrix;
  tokens: readonly number[];
  /** How many parts the table is to have. Defaults to 1. */
  parts?: number;
}

/** Runs the kernel into a NaN-filled output. */
async function embed(scope: KernelScope, options: Lookup): Promise<GPUBuffer> {
  const { raw, tokens, parts = 1 } = options;
  const table = await uploadMatrix(scope, raw, options);
  assertEquals(table.parts.length, parts);
  const y = poisonedOutput(scope, tokens.length * strideOf(raw.cols));
  const kernel = await createEmbed(scope, table);
  const step = kernel.bind({
    // A token that the batch does not hold: it is not to be looked up.
    tokens: upload(scope.gpu, Uint32Array.from([...tokens, 0])),
    y,
    batch: batchOf(scope, { rows: tokens.length }),
  });
  run(scope.gpu, (pass) => step(pass, tokens.length));
  return y;
}

/** Checks every weight of the looked up rows, bit for bit. */
async function check(scope: KernelScope, options: Lookup): Promise<void> {
  const { raw: { cols, codec, bytes }, tokens } = options;
  const y = await embed(scope, options);
  const stride = strideOf(cols);
  const weights = codec.dequantize(bytes);
  const rows = tokens.flatMap((
    token,
  ) => [...weights.subarray(token * cols, (token + 1) * cols)]);
  const expected = padRows(rows, { cols, stride });
  const actual = await download(scope.gpu, y, expected.length);
  assertEquals(weightBits(actual), weightBits(expected));
  await assertOutput(scope, y, expected);
}

for (const { type, bytes, values } of BLOCK_GOLDENS) {
  kernelTest(`embed reads ${type} weights bit for bit`, async (scope) => {
    const codec = CODECS.get(type)!;
    const cols = threeBlocks(codec) / 3;
    const rows = values.length / cols;
    const tokens = Array.from({ length: rows }, (_, i) => i);
    const raw = { rows, cols, codec, bytes };
    const y = await embed(scope, { raw, tokens });
    const actual = await download(scope.gpu, y, values.length);
    assertEquals(weightBits(actual), weightBits(values));
  });
}

for (const codec of CODECS.values()) {
  kernelTest(
    `embed matches dequantize() when ${codec.name} rows are 3 blocks`,
    (scope) => {
      const raw = randomMatrix(codec, { rows: 11, cols: threeBlocks(codec) });
      return check(scope, { raw, tokens: [10, 0, 3, 3, 7] });
    },
  );
}

kernelTest("embed is exact when weights are every finite F16", (scope) => {
  // One row for each sign and exponent but the one of infinities.
  const rows = Array.from({ length: 64 }, (_, i) => i << 10);
  const halves = rows.filter((row) => (row & 0x7c00) !== 0x7c00)
    .flatMap((row) => Array.from({ length: 1024 }, (_, i) => row | i));
  const bytes = new Uint8Array(Uint16Array.from(halves).buffer);
  const raw = { rows: 62, cols: 1024, codec: F16, bytes };
  return check(scope, { raw, tokens: rows.map((_, i) => i).slice(0, 62) });
});

kernelTest("embed is exact when Q8_0 blocks hold every quant", (scope) => {
  const scales = [2 ** -24, -(2 ** -15), 1 / 3, -1, 65504];
  const bytes = new Uint8Array(scales.length * 8 * 34);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < scales.length * 8; block++) {
    view.setFloat16(block * 34, scales[block >> 3]!, true);
    for (let i = 0; i < 32; i++) {
      view.setUint8(block * 34 + 2 + i, block % 8 * 32 + i);
    }
  }
  const raw = { rows: scales.length, cols: 256, codec: Q8_0, bytes };
  return check(scope, { raw, tokens: scales.map((_, i) => i) });
});

for (const codec of [F32, F16]) {
  for (const cols of [1, 31, 33, 172]) {
    kernelTest(
      `embed pads rows with zeros when ${codec.name} rows are ${cols} columns`,
      (scope) => {
        const raw = randomMatrix(codec, { rows: 7, cols });
        return check(scope, { raw, tokens: [6, 1, 2] });
      },
    );
  }
}

for (const rows of [1, 31, 32, 33, 65]) {
  kernelTest(
    `embed looks every token up when the batch is ${rows}`,
    (scope) => {
      const raw = randomMatrix(Q8_0, { rows: 512, cols: 64 });
      const tokens = Array.from({ length: rows }, (_, i) => i * 199 % 512);
      return check(scope, { raw, tokens });
    },
  );
}

kernelTest(
  "embed finds tokens when the table is in parts",
  (scope) =>
    check(scope, {
      raw: randomMatrix(Q4_0, { rows: 31, cols: 96 }),
      tokens: [30, 9, 10, 0, 19, 20, 29, 5],
      // 10 rows of 3 blocks of 16 bytes
      maxBytes: 500,
      parts: 4,
      chunkRows: 4,
    }),
);

kernelTest(
  "embed leaves rows as they are when tokens are unknown",
  async (scope) => {
    const raw = randomMatrix(Q8_0, { rows: 5, cols: 32 });
    const y = await embed(scope, { raw, tokens: [5, 4, 2 ** 32 - 1] });
    const weights = Q8_0.dequantize(raw.bytes).subarray(4 * 32);
    const untouched = new Array(32).fill(NaN);
    await assertOutput(scope, y, [...untouched, ...weights, ...untouched]);
  },
);

narrowTest("embed looks every token up", (scope) => {
  const tokens = Array.from({ length: 130 }, (_, i) => i % 64);
  const raw = randomMatrix(Q8_0, { rows: 64, cols: 512 });
  return check(scope, { raw, tokens });
});
