import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  readSampling,
  Sampler,
  type SamplingOptions,
} from "../generate/sampler.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import { kernelTest } from "../../tests/kernels.ts";
import { controlWords } from "./control.ts";
import {
  type BoundSample,
  chosenIds,
  createSample,
  createSampleBuffers,
  NONE,
  type SampleShape,
  writeRule,
} from "./sample.ts";

const ROOM = 64;

interface Setup {
  logits: Float32Array<ArrayBuffer>;
  shape: SampleShape;
  options: SamplingOptions;
  history?: number[];
}

/** Binds a sampler to logits that stay the same from step to step. */
async function setUp(
  scope: KernelScope,
  { logits, shape, options, history = [] }: Setup,
) {
  const { gpu, pool } = scope;
  const control = pool.create({
    label: "control",
    size: 1024,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
      GPUBufferUsage.COPY_SRC,
  });
  const own = createSampleBuffers(pool, shape);
  const { rule } = readSampling(options, shape.context);
  writeRule(gpu.device, own, { shape, rule, history });
  const chosen = upload(gpu, new Uint32Array(ROOM).fill(77));
  const source = upload(gpu, logits);
  const scratch = pool.create({ label: "logits", size: logits.byteLength });
  const sample = (await createSample(scope))
    .bind({ logits: scratch, control, chosen, own });
  return {
    start: (words: Uint32Array<ArrayBuffer>) =>
      gpu.device.queue.writeBuffer(control, 0, words),
    step: (kernel: keyof BoundSample) => {
      // Penalties are taken off in place: each step gets fresh logits.
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(source, 0, scratch, 0, logits.byteLength);
      gpu.device.queue.submit([encoder.finish()]);
      run(gpu, sample[kernel]);
    },
    chosen: async () => new Uint32Array((await download(gpu, chosen)).buffer),
    control: async () => new Uint32Array((await download(gpu, control)).buffer),
  };
}

/** What steps choose, one after the other, on the GPU and on the CPU. */
async function chooseBoth(
  scope: KernelScope,
  setup: Setup,
  steps: number,
  from = 0,
): Promise<{ gpu: number[]; cpu: number[] }> {
  const { shape, options, history = [], logits } = setup;
  const { start, step, chosen } = await setUp(scope, setup);
  const words = { ids: [3], position: 5, headFirst: 0, headRows: 1 };
  start(controlWords({ ...words, chosen: from }));
  for (let i = 0; i < steps; i++) step("sample");
  const sampler = new Sampler(readSampling(options, shape.context), history);
  return {
    gpu: chosenIds((await chosen()).subarray(0, steps)),
    cpu: Array.from(
      { length: steps },
      (_, i) => sampler.sample(logits.subarray(0, shape.size), from + i),
    ),
  };
}

/** Logits of which some are equal, some huge and some -Infinity. */
function logitsOf(size: number, seed: number): Float32Array<ArrayBuffer> {
  const logits = randomFloats(size, seed).map((x) =>
    Math.fround(Math.round(x * 64) / 8)
  );
  for (let i = 0; i < size; i += 5) logits[i] = randomFloats(1, i + 1)[0]! * 9;
  if (size > 20) {
    logits[7] = -Infinity;
    logits[11] = -3e38;
    logits[13] = -0;
    logits[14] = 0;
  }
  return logits;
}

const SIZES = [1, 2, 7, 8, 9, 63, 64, 65, 1000, 2050];

const RULES: [string, SamplingOptions][] = [
  ["greedily", {}],
  ["at temperature 1", { temperature: 1 }],
  ["at temperature 0.3", { temperature: 0.3 }],
  ["at temperature 30", { temperature: 30 }],
  ["at temperature 1e-30", { temperature: 1e-30 }],
  ["at temperature 1e46", { temperature: 1e46 }],
  ["by top-k 1", { temperature: 1, topK: 1 }],
  ["by top-k 5", { temperature: 1, topK: 5 }],
  ["by top-k 63", { temperature: 5, topK: 63 }],
  ["by top-k of all", { temperature: 1, topK: 2 ** 31 }],
  ["by top-p 0", { temperature: 1, topP: 0 }],
  ["by top-p 0.5", { temperature: 1, topP: 0.5 }],
  ["by top-p 0.9", { temperature: 9, topP: 0.9 }],
  ["by top-p 0.9999999", { temperature: 9, topP: 0.9999999 }],
  ["by min-p 0.05", { temperature: 3, minP: 0.05 }],
  ["by min-p 1", { temperature: 3, minP: 1 }],
  ["by all of them", { temperature: 2, topK: 40, topP: 0.95, minP: 0.01 }],
];

for (const [name, options] of RULES) {
  kernelTest(`sample chooses ${name} what the CPU does`, async (scope) => {
    for (const size of SIZES) {
      const logits = logitsOf(size, size);
      const shape = { size, stride: size, context: 16 };
      const setup = { logits, shape, options: { seed: 9, ...options } };
      const { gpu, cpu } = await chooseBoth(scope, setup, 8, size);
      assertEquals(gpu, cpu, `${size} tokens`);
    }
  });
}

const PENALTIES: [string, SamplingOptions][] = [
  ["repetition", { repeatPenalty: 1.3 }],
  ["frequency", { frequencyPenalty: 0.7, repeatLastN: 5 }],
  ["presence", { presencePenalty: -0.4, repeatLastN: -1 }],
  ["all", {
    repeatPenalty: 1.1,
    frequencyPenalty: 0.3,
    presencePenalty: 0.2,
    repeatLastN: 9,
  }],
];

for (const [name, penalties] of PENALTIES) {
  for (const temperature of [0, 1.5]) {
    kernelTest(
      `sample penalizes (${name}, temperature ${temperature}) what the CPU does`,
      async (scope) => {
        for (const size of [9, 64, 1000]) {
          const setup = {
            logits: logitsOf(size, size + 1),
            shape: { size, stride: size, context: 24 },
            options: { ...penalties, temperature, seed: 4, topK: 50 },
            history: Array.from({ length: 30 }, (_, i) => (i * i) % size),
          };
          const { gpu, cpu } = await chooseBoth(scope, setup, 40);
          assertEquals(gpu, cpu, `${size} tokens`);
        }
      },
    );
  }
}

for (const kernel of ["argmax", "sample"] as const) {
  kernelTest(`${kernel} hands the token to the next step`, async (scope) => {
    const logits = Float32Array.of(1, 5, 3, 5, 9, 9);
    // The last two are no tokens.
    const shape = { size: 4, stride: 6, context: 4 };
    const { start, step, chosen, control } = await setUp(scope, {
      logits,
      shape,
      options: {},
    });
    const ids = [2, 0, 3];
    start(controlWords({ ids, position: 7, headFirst: 2, headRows: 1 }));
    step(kernel);
    step(kernel);
    assertEquals([...(await chosen()).subarray(0, 3)], [1, 1, 77]);
    const words = await control();
    assertEquals([...words.subarray(0, 3)], [1, 11, 0]); // rows, position, first
    assertEquals([...words.subarray(64, 67)], [1, 7, 0]); // of the head
    assertEquals([...words.subarray(128, 131)], [1, 0, 3]);
  });

  kernelTest(
    `${kernel} takes guesses up to the first wrong one`,
    async (scope) => {
      const row = (id: number) =>
        Array.from({ length: 5 }, (_, i) => +(i === id));
      const logits = Float32Array.from([2, 4, 1, 3].flatMap(row));
      const shape = { size: 5, stride: 5, context: 4 };
      const cases: [guesses: number[], chosen: number[]][] = [
        [[2, 4, 1], [2, 4, 1, 3]],
        [[2, 4, 0], [2, 4, 1, NONE]],
        [[2, 0, 1], [2, 4, NONE, NONE]],
        [[0, 4, 1], [2, NONE, NONE, NONE]],
      ];
      for (const [guesses, expected] of cases) {
        const { start, step, chosen } = await setUp(scope, {
          logits,
          shape,
          options: {},
        });
        const ids = [0, ...guesses];
        start(controlWords({ ids, position: 3, headFirst: 0, headRows: 4 }));
        for (let i = 0; i < 4; i++) step(kernel);
        const actual = (await chosen()).subarray(0, 4);
        assertEquals([...actual], expected);
        assertEquals(chosenIds(actual), expected.filter((id) => id !== NONE));
      }
    },
  );

  kernelTest(`${kernel} tells of a NaN, wherever it stands`, async (scope) => {
    for (const at of [0, 3, 64, 99]) {
      for (const bits of [0x7fc00000, 0xffc00001]) {
        const logits = randomFloats(100);
        new Uint32Array(logits.buffer)[at] = bits;
        const shape = { size: 100, stride: 100, context: 4 };
        const options = { temperature: 1 };
        const { start, step, chosen } = await setUp(scope, {
          logits,
          shape,
          options,
        });
        const first = { position: 0, headFirst: 0, headRows: 1 };
        start(controlWords({ ids: [0], ...first }));
        step(kernel);
        const [id] = await chosen();
        assertThrows(() => chosenIds(Uint32Array.of(id!)), Error, "NaN");
      }
    }
  });
}

kernelTest("argmax finds the best of a large vocabulary", async (scope) => {
  for (const size of [1, 31, 33, 511, 513, 4097, 32002]) {
    for (const best of [0, size >> 1, size - 1]) {
      const logits = randomFloats(size, best + 1);
      logits[best] = 5;
      if (size > 40) logits[size - 1] = 5; // an equal one with a higher id
      const shape = { size, stride: size, context: 4 };
      const { start, step, chosen } = await setUp(scope, {
        logits,
        shape,
        options: {},
      });
      const first = { position: 0, headFirst: 0, headRows: 1 };
      start(controlWords({ ids: [0], ...first }));
      step("argmax");
      assertEquals((await chosen())[0], best, `of ${size}`);
    }
  }
});

kernelTest(
  "sample refuses to draw where the best logit is infinite",
  async (scope) => {
    const lists = [
      [1, Infinity, 2],
      [-Infinity, -Infinity, -Infinity],
      [Infinity, Infinity, -Infinity],
    ];
    for (const logits of lists) {
      const shape = { size: 3, stride: 3, context: 4 };
      for (const temperature of [0, 1]) {
        const { start, step, chosen } = await setUp(scope, {
          logits: Float32Array.from(logits),
          shape,
          options: { temperature },
        });
        const first = { position: 0, headFirst: 0, headRows: 1 };
        start(controlWords({ ids: [0], ...first }));
        step("sample");
        const [id] = await chosen();
        const sampler = new Sampler(readSampling({ temperature }));
        if (temperature === 0) {
          assertEquals(id, logits.indexOf(Math.max(...logits)));
          assertEquals(sampler.sample(Float32Array.from(logits), 0), id);
        } else {
          assertThrows(() => chosenIds(Uint32Array.of(id!)), Error, "infinity");
          const cpu = () => sampler.sample(Float32Array.from(logits), 0);
          assertThrows(cpu, Error, "infinity");
        }
      }
    }
  },
);

kernelTest("sample draws all that may come", async (scope) => {
  const logits = Float32Array.of(1, 1.2, 0.8, -30, 1.1);
  const shape = { size: 5, stride: 5, context: 4 };
  const options = { temperature: 1, seed: 3 };
  const setup = { logits, shape, options };
  const { gpu } = await chooseBoth(scope, setup, 60);
  assertEquals(new Set(gpu), new Set([0, 1, 2, 4]));
  assert(gpu.length === 60);
});
