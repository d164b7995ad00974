import { assertEquals } from "@std/assert";
import { download, poisoned, randomFloats, run } from "../../tests/gpu.ts";
import { batchOf, poisonedOutput, scopeTest } from "../../tests/kernels.ts";
import { randomMatrix, uploadMatrix } from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { MAX_STEPS, type RowKind, type RowsKernel } from "../kernels/batch.ts";
import { defaultChoices } from "../kernels/choices.ts";
import { type Matrix, strideOf } from "../kernels/matrix.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import { F16 } from "../kernels/quant/f16.ts";
import { Q4_0 } from "../kernels/quant/q4_0.ts";
import { Q8_0 } from "../kernels/quant/q8_0.ts";
import { createRmsNorm } from "../kernels/rms_norm.ts";
import {
  bindGateUp,
  bindLinear,
  type LinearNorm,
  type LinearScope,
} from "./linear.ts";

const COLS = 96;
const ROWS = 37;

interface Layer {
  stack: readonly Matrix[];
  int8: boolean;
  /** Gate and up with their activation, or a sum that is added. */
  gated: boolean;
}

/** Runs rows of input through a layer, and returns its output as bits. */
async function forward(
  scope: KernelScope,
  { stack, int8, gated }: Layer,
  { x: values, kind }: { x: Float32Array; kind: RowKind },
): Promise<Uint32Array> {
  const { gpu, pool } = scope;
  const rows = values.length / COLS;
  const batch = batchOf(scope, { rows });
  const floats = (label: string, length: number, data?: Float32Array) => {
    const buffer = pool.create({ label, size: 4 * length });
    const filled = Float32Array.from(data ?? new Float32Array(length));
    gpu.device.queue.writeBuffer(buffer, 0, filled);
    return buffer;
  };
  const x = floats("x", rows * COLS, values);
  const weight = floats("weight", COLS, randomFloats(COLS, 4));
  const normed = floats("normed", rows * COLS);
  const norm: LinearNorm = {
    dim: COLS,
    eps: 1e-5,
    weight,
    normed,
    kernel: (await createRmsNorm(scope, { dim: COLS, eps: 1e-5 }))
      .bind({ x, weight, y: normed, batch }),
  };
  const linear: LinearScope = {
    gpu,
    pool,
    choices: defaultChoices(gpu),
    int8: int8
      ? {
        quants: floats("quants", rows * COLS / 4),
        scales: floats("scales", rows * COLS / 8),
      }
      : undefined,
    steps: MAX_STEPS,
  };
  const bound = await bind(scope, linear, {
    x,
    norm,
    batch: { buffer: batch },
  });
  await pool.check("the layer");
  run(gpu, (pass) => bound.layer(pass, rows, kind));
  return new Uint32Array(
    (await download(gpu, bound.y)).buffer,
    0,
    rows * bound.yStride,
  );

  async function bind(
    scope: KernelScope,
    linear: LinearScope,
    input: { x: GPUBuffer; norm: LinearNorm; batch: GPUBufferBinding },
  ): Promise<{ layer: RowsKernel; y: GPUBuffer; yStride: number }> {
    if (gated) {
      const yStride = strideOf(ROWS);
      const y = poisonedOutput(scope, rows * yStride);
      const gateUp = poisoned(gpu, rows * 2 * ROWS);
      const layer = await bindGateUp(linear, stack, {
        ...input,
        gateUp,
        hidden: y,
        hiddenDim: ROWS,
      });
      return { layer, y, yStride };
    }
    const yStride = stack.reduce((sum, { rows }) => sum + rows, 0);
    const y = poisonedOutput(scope, rows * yStride);
    const before = new Float32Array(rows * yStride).fill(0.1);
    gpu.device.queue.writeBuffer(y, 0, before);
    const options = { ...input, y, yStride, accumulate: true };
    return { layer: await bindLinear(linear, stack, options), y, yStride };
  }
}

/** Asserts that rows of a kind come out of any batch as they do alone. */
async function check(scope: KernelScope, layer: Layer, kind: RowKind) {
  const counts = kind === "step" ? [2, 3, 8] : [2, 17, 40];
  const most = Math.max(...counts);
  const x = randomFloats(most * COLS, 3);
  const alone: Uint32Array[] = [];
  for (let m = 0; m < most; m++) {
    const row = x.subarray(m * COLS, (m + 1) * COLS);
    alone.push(await forward(scope, layer, { x: row, kind }));
  }
  for (const count of counts) {
    const all = await forward(scope, layer, {
      x: x.subarray(0, count * COLS),
      kind,
    });
    const { length } = alone[0]!;
    for (let m = 0; m < count; m++) {
      const row = all.subarray(m * length, (m + 1) * length);
      assertEquals(row, alone[m], `row ${m} of ${count}`);
    }
  }
}

const LAYERS: [string, { codecs: Codec[]; gated: boolean; rows: number[] }][] =
  [
    ["a matrix", { codecs: [Q4_0], gated: false, rows: [ROWS] }],
    ["a stack", { codecs: [Q4_0, F16], gated: false, rows: [ROWS, 11] }],
    ["gate and up in one", { codecs: [Q4_0], gated: true, rows: [2 * ROWS] }],
    ["gate and up in two", {
      codecs: [Q4_0, Q8_0],
      gated: true,
      rows: [ROWS, ROWS],
    }],
  ];

for (const [name, { codecs, gated, rows }] of LAYERS) {
  for (const int8 of [false, true]) {
    for (const kind of ["step", "prompt"] as const) {
      scopeTest(
        `${
          gated ? "bindGateUp" : "bindLinear"
        }() gives a ${kind} row the same bits in every batch when it is ${name} (int8 ${int8})`,
        async (scope) => {
          const stack: Matrix[] = [];
          for (const [i, codec] of codecs.entries()) {
            const shape = { rows: rows[i]!, cols: COLS, seed: i + 1 };
            const raw = randomMatrix(codec, shape);
            stack.push(await uploadMatrix(scope, raw));
          }
          await check(scope, { stack, int8, gated }, kind);
        },
      );
    }
  }
}
