import { assert, assertEquals, assertThrows } from "@std/assert";
import { readSampling, Sampler } from "../generate/sampler.ts";
import type { SamplingOptions } from "../generate/samplers/options.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import { kernelTest } from "../../tests/kernels.ts";
import {
  BANNED,
  biasOnCpu,
  createBias,
  createBiasBuffer,
  writeBiases,
} from "./bias.ts";
import { controlWords } from "./control.ts";
import {
  chosenIds,
  createSample,
  createSampleBuffers,
  writeRule,
} from "./sample.ts";

interface Setup {
  /** `[rows, stride]` */
  logits: Float32Array<ArrayBuffer>;
  size: number;
  stride: number;
  rows: number;
  options: SamplingOptions;
  /** What is chosen from each row, if it is known. */
  guesses?: readonly number[];
}

/** Binds biases and a choice to logits. */
async function setUp(
  scope: KernelScope,
  { logits: values, size, stride, rows, options, guesses = [] }: Setup,
) {
  const { gpu, pool } = scope;
  const control = pool.create({
    label: "control",
    size: 1024,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const ids = Array.from({ length: rows }, (_, i) => guesses[i - 1] ?? 0);
  const words = { ids, position: 0, headFirst: 0, headRows: rows };
  gpu.device.queue.writeBuffer(control, 0, controlWords(words));
  const shape = { size, stride, context: 16 };
  const own = createSampleBuffers(pool, shape);
  const { rule, biases } = readSampling(options, shape.context);
  writeRule(gpu.device, own, { shape, rule });
  const buffer = createBiasBuffer(pool, size);
  writeBiases(gpu.device, buffer, biases!, size);
  const logits = upload(gpu, values);
  const chosen = upload(gpu, new Uint32Array(8));
  const bias = (await createBias(scope))
    .bind({ logits, control, own, biases: buffer });
  const { sample } = (await createSample(scope))
    .bind({ logits, control, chosen, own });
  return {
    add: () => run(gpu, bias),
    choose: () => run(gpu, sample),
    logits: async () =>
      (await download(gpu, logits)).subarray(0, values.length),
    chosen: async () => new Uint32Array((await download(gpu, chosen)).buffer),
  };
}

for (const count of [1, 7, 63, 64, 65, 1000]) {
  kernelTest(
    `bias adds to ${count} logits of its row what the CPU does`,
    async (scope) => {
      const [size, stride, rows] = [1000, 1003, 3];
      const logits = randomFloats(rows * stride, 3).map((x) => x * 20);
      const values = randomFloats(count, 4);
      const logitBias = Array.from(values, (value, i): [number, number] => [
        i * 7 % size,
        i % 3 === 0 ? -Infinity : value * 30,
      ]);
      const setup = { logits, size, stride, rows, options: { logitBias } };
      const { add, choose, ...read } = await setUp(scope, setup);
      choose(); // from the row before it
      add();
      const expected = logits.slice();
      const { biases } = readSampling({ logitBias });
      biasOnCpu(expected.subarray(stride, stride + size), biases!);
      assertEquals(await read.logits(), expected);
    },
  );
}

const RULES: [string, SamplingOptions][] = [
  ["greedily", {}],
  ["greedily with penalties", { repeatPenalty: 1e6, frequencyPenalty: 1e6 }],
  ["at temperature 1", { temperature: 1 }],
  ["at temperature 1e-30", { temperature: 1e-30 }],
  ["at temperature 1e30", { temperature: 1e30 }],
  ["by all samplers", {
    temperature: 1.5,
    topK: 30,
    topP: 0.98,
    minP: 0.01,
    repeatPenalty: 1.3,
  }],
];

for (const [name, options] of RULES) {
  kernelTest(
    `biased tokens are chosen ${name} as on the CPU, banned ones never`,
    async (scope) => {
      const [size, stride, rows] = [40, 41, 8];
      const logits = randomFloats(rows * stride, 9).map((x) => x * 3);
      const bannedTokens = Array.from({ length: 30 }, (_, id) => id);
      const all = {
        seed: 6,
        ...options,
        logitBias: { 35: 2.5, 36: -1e6 },
        bannedTokens,
      };
      const sampler = new Sampler(readSampling(all, 16));
      const expected = Array.from({ length: rows }, (_, row) => {
        const start = row * stride;
        return sampler.sample(logits.subarray(start, start + size), row);
      });
      const setup = { logits, size, stride, rows, options: all };
      const { add, choose, chosen } = await setUp(scope, {
        ...setup,
        guesses: expected,
      });
      for (let row = 0; row < rows; row++) {
        add();
        choose();
      }
      assertEquals(chosenIds((await chosen()).subarray(0, rows)), expected);
      assert(expected.every((id) => id >= 30), `${expected}`);
    },
  );
}

kernelTest(
  "writeBiases() leaves out ids that there is no room for",
  async (scope) => {
    const logits = Float32Array.of(1, 2, 3, 4);
    const options = { logitBias: { 1: 10, 3: 10, 9: 10 } };
    const setup = { logits, size: 3, stride: 4, rows: 1, options };
    const { add, logits: read } = await setUp(scope, setup);
    add();
    assertEquals(await read(), Float32Array.of(1, 12, 3, 4));
  },
);

Deno.test("BANNED is far below every logit, and no penalty makes it infinite", () => {
  assertEquals(Math.fround(BANNED) + 1e6, Math.fround(BANNED));
  assertEquals(Number.isFinite(Math.fround(BANNED * 1e6)), true);
  assertThrows(() => readSampling({ logitBias: { 1: Infinity } }), RangeError);
});
