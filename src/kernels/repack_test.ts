import { assertEquals, assertRejects } from "@std/assert";
import { bitsOf, weightBits } from "../../tests/blocks.ts";
import { download, run, upload } from "../../tests/gpu.ts";
import {
  batchOf,
  kernelTest,
  narrowTest,
  poisonedOutput,
  scopeTest,
} from "../../tests/kernels.ts";
import {
  randomMatrix,
  type RawMatrix,
  threeBlocks,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createEmbed } from "./embed.ts";
import { createMatrix, type Matrix, strideOf } from "./matrix.ts";
import type { BlockLayout } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F16 } from "./quant/f16.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q4_1 } from "./quant/q4_1.ts";
import { createRepack } from "./repack.ts";

/** How {@linkcode write} cuts the rows of a part. */
interface Cut {
  /** Rows a chunk; one more chunk takes the rest. */
  chunkRows: number;
  /** Rows that are left out at the end. Defaults to 0. */
  left?: number;
}

async function write(
  scope: KernelScope,
  raw: RawMatrix,
  { chunkRows, left = 0 }: Cut,
): Promise<Matrix> {
  const { rows, bytes } = raw;
  const matrix = createMatrix(scope.pool, {
    ...raw,
    label: "test",
    maxBytes: 2 ** 24,
  });
  const part = matrix.parts[0]!;
  for (const buffer of [part.quants, part.scales, part.high]) {
    if (buffer === undefined) continue;
    const poison = new Uint8Array(buffer.size).fill(0xa5);
    scope.gpu.device.queue.writeBuffer(buffer, 0, poison);
  }
  const rowBytes = bytes.length / rows;
  const repack = createRepack(scope, {
    chunkBytes: chunkRows * rowBytes,
    codecs: [raw.codec],
  });
  // The loader's buffer is larger than a chunk, and a chunk begins anywhere.
  const buffer = new Uint8Array(chunkRows * rowBytes + 8).fill(0xff);
  for (let row = 0; row < rows - left; row += chunkRows) {
    const count = Math.min(chunkRows, rows - left - row);
    const chunk = buffer.subarray(3, 3 + count * rowBytes);
    chunk.set(bytes.subarray(row * rowBytes, (row + count) * rowBytes));
    await repack.write({ bytes: chunk, matrix, part, row, rows: count });
    buffer.fill(0xff);
  }
  repack.finish();
  return matrix;
}

/** Bytes of a plane that `blocks` blocks take. */
function planeBytes(
  { quants, high, scales }: BlockLayout,
  blocks: number,
): Record<"quants" | "high" | "scales", number> {
  return {
    quants: blocks * quants,
    high: blocks * high,
    scales: scales === undefined
      ? 0
      : Math.ceil(blocks / scales.blocks) * scales.bytes,
  };
}

/** Every weight is read back as it was, and nothing behind the rows is touched. */
async function check(
  scope: KernelScope,
  raw: RawMatrix,
  cut: Cut,
): Promise<void> {
  const { left = 0 } = cut;
  const { codec, cols } = raw;
  const matrix = await write(scope, raw, cut);
  const rows = raw.rows - left;

  const stride = strideOf(cols);
  const y = poisonedOutput(scope, rows * stride);
  const embed = (await createEmbed(scope, matrix)).bind({
    tokens: upload(scope.gpu, Uint32Array.from({ length: rows }, (_, i) => i)),
    y,
    batch: batchOf(scope, { rows }),
  });
  run(scope.gpu, (pass) => embed(pass, rows));
  const expected = new Float32Array(rows * stride);
  const weights = codec.dequantize(raw.bytes);
  for (let row = 0; row < rows; row++) {
    const values = weights.subarray(row * cols, (row + 1) * cols);
    expected.set(values, row * stride);
  }
  const actual = (await download(scope.gpu, y)).subarray(0, expected.length);
  assertEquals(weightBits(actual), weightBits(expected));

  const part = matrix.parts[0]!;
  const bytes = planeBytes(codec.layout, rows * matrix.blocks);
  for (const plane of ["quants", "high", "scales"] as const) {
    const buffer = part[plane];
    if (buffer === undefined) continue;
    const words = bitsOf(await download(scope.gpu, buffer));
    const rest = words.subarray(bytes[plane] / 4);
    assertEquals(rest, rest.map(() => 0xa5a5a5a5));
  }
}

for (const codec of CODECS.values()) {
  const cols = threeBlocks(codec);
  for (const rows of [1, 7]) {
    kernelTest(
      `Repack.write() keeps every weight when ${codec.name} weights are ${rows} x ${cols}`,
      (scope) =>
        check(scope, randomMatrix(codec, { rows, cols }), { chunkRows: rows }),
    );
  }
  kernelTest(
    `Repack.write() joins chunks when ${codec.name} weights are 11 x ${cols}`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows: 11, cols }), { chunkRows: 4 }),
  );
  kernelTest(
    `Repack.write() leaves other rows alone when ${codec.name} weights are 12 x ${cols}`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows: 12, cols }), {
        chunkRows: 8,
        left: 4,
      }),
  );
}

for (const codec of [F32, F16]) {
  for (const [rows, cols] of [[1, 1], [5, 31], [4, 33], [3, 172]] as const) {
    const raw = randomMatrix(codec, { rows, cols });
    const size = `${codec.name} weights are ${rows} x ${cols}`;
    kernelTest(
      `Repack.write() pads rows when ${size}`,
      (scope) => check(scope, raw, { chunkRows: rows }),
    );
    kernelTest(
      `Repack.write() joins padded rows when ${size}`,
      (scope) => check(scope, raw, { chunkRows: 2 }),
    );
  }
}

for (const [rows, cols] of [[1, 32], [64, 256], [65, 32]] as const) {
  kernelTest(
    `Repack.write() keeps every weight when Q4_0 weights are ${rows} x ${cols}`,
    (scope) =>
      check(scope, randomMatrix(Q4_0, { rows, cols }), { chunkRows: rows }),
  );
}

for (const [codec, rows, cols] of [[Q4_1, 700, 96], [F16, 80, 33]] as const) {
  narrowTest(
    `Repack.write() writes every ${codec.name} weight`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows, cols }), { chunkRows: rows }),
  );
}

scopeTest(
  "Repack.write() rejects chunks when they split a word of scales",
  async (scope) => {
    const raw = randomMatrix(Q4_0, { rows: 8, cols: 96 });
    await assertRejects(
      () => write(scope, raw, { chunkRows: 3 }),
      RangeError,
      "Cannot repack Q4_0 weights: a chunk begins at row 3, a multiple of 4 is wanted",
    );
  },
);

scopeTest(
  "Repack.write() rejects chunks when they are too large",
  async (scope) => {
    const { bytes, ...shape } = randomMatrix(Q4_0, { rows: 3, cols: 64 });
    const matrix = createMatrix(scope.pool, {
      ...shape,
      label: "test",
      maxBytes: 2 ** 24,
    });
    const part = matrix.parts[0]!;
    const repack = createRepack(scope, { chunkBytes: 100, codecs: [Q4_0] });
    await assertRejects(
      () => repack.write({ bytes, matrix, part, row: 0, rows: 3 }),
      RangeError,
      "Cannot repack Q4_0 weights: a chunk has 108 bytes, at most 100 are wanted",
    );
  },
);
