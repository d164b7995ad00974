import { assertEquals, assertRejects } from "@std/assert";
import { bitsOf } from "../../../tests/blocks.ts";
import { download } from "../../../tests/gpu.ts";
import { kernelTest, narrowTest, scopeTest } from "../../../tests/kernels.ts";
import { randomMatrix, type RawMatrix } from "../../../tests/weights.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import { createMatrix, type Matrix, strideOf } from "../matrix.ts";
import { BF16 } from "./bf16.ts";
import { F16 } from "./f16.ts";
import { F32 } from "./f32.ts";
import { Q4_0 } from "./q4_0.ts";
import { Q6_K } from "./q6_k.ts";
import { Q8_0 } from "./q8_0.ts";
import { createRepack } from "./repack.ts";

/** The layout of `codec.ts`, by its definition: bytes of quants and of scales. */
function layout(raw: RawMatrix) {
  const { rows, cols, codec, bytes } = raw;
  if (codec === Q6_K) return layoutQ6K(raw);
  if (codec.scaleBytes > 0) {
    const quants: number[] = [];
    const scales: number[] = [];
    const blockBytes = 2 + 16 * codec.quantWords;
    for (let i = 0; i < bytes.length; i += blockBytes) {
      scales.push(...bytes.subarray(i, i + 2));
      quants.push(...bytes.subarray(i + 2, i + blockBytes));
    }
    return { quants, scales };
  }
  const width = strideOf(cols) / 32 * 16 * codec.quantWords;
  const rowBytes = bytes.length / rows;
  const quants = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const start = row * rowBytes;
    quants.set(bytes.subarray(start, start + rowBytes), row * width);
  }
  return { quants: [...quants], scales: [] };
}

/** The layout of `q6_k.wgsl`. */
function layoutQ6K({ bytes }: RawMatrix) {
  const quants: number[] = [];
  const scales: number[] = [];
  for (let start = 0; start < bytes.length; start += 210) {
    const block = bytes.subarray(start, start + 210);
    /** Six bits of weight `i`, as ggml places them in 256. */
    const q = (i: number) => {
      const [half, part, l] = [i >> 7, (i >> 5) & 3, i & 31];
      const low = block[64 * half + 32 * (part & 1) + l]! >> 4 * (part >> 1);
      const high = block[128 + 32 * half + l]! >> 2 * part;
      return (low & 15) | (high & 3) << 4;
    };
    for (let i = 0; i < 256; i += 32) {
      for (let j = i; j < i + 16; j++) {
        quants.push((q(j) & 15) | (q(j + 16) & 15) << 4);
      }
      for (const first of [i, i + 16]) {
        for (let j = first; j < first + 4; j++) {
          const high = [0, 4, 8, 12].map((n, k) => (q(j + n) >> 4) << 2 * k);
          scales.push(high.reduce((a, b) => a | b));
        }
      }
      const s = 192 + i / 16;
      scales.push(block[s]!, block[s + 1]!, block[208]!, block[209]!);
    }
  }
  return { quants, scales };
}

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
  const [part] = matrix.parts;
  for (const buffer of [part!.quants, part!.scales]) {
    if (buffer === undefined) continue;
    const poison = new Uint8Array(buffer.size).fill(0xa5);
    scope.gpu.device.queue.writeBuffer(buffer, 0, poison);
  }
  const rowBytes = bytes.length / rows;
  const repack = createRepack(scope, { chunkBytes: chunkRows * rowBytes });
  // The loader's buffer is larger than a chunk, and a chunk begins anywhere.
  const buffer = new Uint8Array(chunkRows * rowBytes + 8).fill(0xff);
  for (let row = 0; row < rows - left; row += chunkRows) {
    const count = Math.min(chunkRows, rows - left - row);
    const chunk = buffer.subarray(3, 3 + count * rowBytes);
    chunk.set(bytes.subarray(row * rowBytes, (row + count) * rowBytes));
    await repack.write({ bytes: chunk, matrix, part: part!, row, rows: count });
    buffer.fill(0xff);
  }
  return matrix;
}

async function check(
  scope: KernelScope,
  raw: RawMatrix,
  cut: Cut,
): Promise<void> {
  const { left = 0 } = cut;
  const { parts: [part], blocks } = await write(scope, raw, cut);
  const expected = layout(raw);
  const written = raw.rows - left;
  const compare = async (buffer: GPUBuffer, bytes: number[], to: number) => {
    // Half a pair of scales at the end shares its word with a zero.
    const pad = to % 4 === 0 ? [] : [0, 0];
    const guard = new Array(buffer.size - to - pad.length).fill(0xa5);
    const wanted = Uint8Array.from([...bytes.slice(0, to), ...pad, ...guard]);
    const actual = await download(scope.gpu, buffer);
    assertEquals(bitsOf(actual), new Uint32Array(wanted.buffer));
  };
  const rowBytes = blocks * 16 * raw.codec.quantWords;
  await compare(part!.quants, expected.quants, written * rowBytes);
  if (part!.scales !== undefined) {
    await compare(
      part!.scales,
      expected.scales,
      written * blocks * raw.codec.scaleBytes,
    );
  }
}

for (const codec of [Q4_0, Q8_0]) {
  for (const [rows, cols] of [[1, 32], [7, 96], [64, 256], [65, 32]] as const) {
    const raw = randomMatrix(codec, { rows, cols });
    const size = `${codec.name} weights are ${rows} x ${cols}`;
    kernelTest(
      `Repack.write() takes blocks apart when ${size}`,
      (scope) => check(scope, raw, { chunkRows: rows }),
    );
    kernelTest(
      `Repack.write() joins chunks when ${size}`,
      (scope) => check(scope, raw, { chunkRows: 2 }),
    );
  }
}

for (const chunkRows of [2, 3, 7]) {
  kernelTest(
    `Repack.write() takes Q6_K blocks apart when chunks are ${chunkRows} rows`,
    (scope) =>
      check(scope, randomMatrix(Q6_K, { rows: 7, cols: 768 }), {
        chunkRows,
      }),
  );
}

for (const codec of [F32, F16, BF16]) {
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

  kernelTest(
    `Repack.write() copies rows when ${codec.name} rows are whole blocks`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows: 7, cols: 96 }), {
        chunkRows: 2,
      }),
  );
}

for (
  const [codec, cols] of [
    [Q8_0, 96],
    [Q6_K, 256],
    [F16, 33],
    [F32, 64],
  ] as const
) {
  kernelTest(
    `Repack.write() leaves other rows alone when ${codec.name} rows are ${cols} columns`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows: 10, cols }), {
        chunkRows: 4,
        left: 3,
      }),
  );
}

for (
  const [codec, rows, cols] of [
    [Q8_0, 1400, 96],
    [Q6_K, 120, 768],
    [F16, 80, 33],
  ] as const
) {
  narrowTest(
    `Repack.write() writes every ${codec.name} weight`,
    (scope) =>
      check(scope, randomMatrix(codec, { rows, cols }), { chunkRows: rows }),
  );
}

scopeTest(
  "Repack.write() rejects chunks when they split a pair of scales",
  async (scope) => {
    const raw = randomMatrix(Q4_0, { rows: 8, cols: 96 });
    await assertRejects(
      () => write(scope, raw, { chunkRows: 3 }),
      RangeError,
      "Cannot repack Q4_0 weights: a chunk begins behind 9 blocks, an even number is wanted",
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
    const repack = createRepack(scope, { chunkBytes: 100 });
    await assertRejects(
      () => repack.write({ bytes, matrix, part, row: 0, rows: 3 }),
      RangeError,
      "Cannot repack Q4_0 weights: a chunk has 108 bytes, at most 100 are wanted",
    );
  },
);
