import type { KernelScope } from "../../gpu/kernel.ts";
import {
  biasOnCpu,
  createBias,
  createBiasBuffer,
  writeBiases,
} from "../bias.ts";
import { controlBytes, controlWords } from "../control.ts";
import { createSample, createSampleBuffers, writeRule } from "../sample.ts";
import { sampleOnCpu, type SampleRule } from "../sample_cpu.ts";
import { randomFloats, read, upload } from "./inputs.ts";

/** Tokens to choose among: more than the widest workgroup has lanes. */
const SIZE = 1100;
/** More than it takes before its loop goes round. */
const ARGMAX_SIZE = 8300;
/** Tokens that are chosen one after the other, few of many. */
const STEPS = 16;
const ARGMAX_STEPS = 8;

/** All that is there, of which each rule leaves some out. */
const PLAIN: SampleRule = {
  seed: 7,
  topK: 0,
  topP: 0,
  least: -1e38,
  scale: Math.fround(Math.LOG2E / 1.5),
  lastN: 0,
  repeat: 1,
  inverseRepeat: 1,
  fines: new Float32Array(1),
};

const RULES: SampleRule[] = [
  { ...PLAIN, topK: 100 },
  { ...PLAIN, topP: 0.5 * 2 ** 32 },
  { ...PLAIN, least: Math.fround(Math.log(0.4)) },
  {
    ...PLAIN,
    topK: 7,
    lastN: 4,
    repeat: 1.25,
    inverseRepeat: Math.fround(1 / 1.25),
    fines: Float32Array.of(0, 0.5, 1, 1.5, 2),
  },
];

/** The most likely token of several rows. Returns how many are wrong. */
export function testArgmax(scope: KernelScope): Promise<number> {
  const logits = randomFloats(ARGMAX_STEPS * ARGMAX_SIZE, 11);
  // Another lane and another load of the loop each time, whether 8 lanes go round
  // or 1024.
  const expected = Array.from({ length: ARGMAX_STEPS }, (_, i) => i * 1161);
  for (const [step, id] of expected.entries()) {
    logits[step * ARGMAX_SIZE + id] = 3;
  }
  const size = ARGMAX_SIZE;
  return testChoice(scope, "argmax", { size, rule: PLAIN, logits, expected });
}

/** Sampling by several rules. Returns how many tokens are wrong. */
export async function testSample(scope: KernelScope): Promise<number> {
  let wrong = 0;
  for (const rule of RULES) {
    const chosen: number[] = [];
    // Penalties want the same tokens again, the rest the best one elsewhere.
    const logits = rotatedRows(rule.lastN > 0 ? 0 : 1);
    for (let step = 0; step < STEPS; step++) {
      const counts = new Map<number, number>();
      for (const id of rule.lastN > 0 ? chosen.slice(-rule.lastN) : []) {
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const start = step * SIZE;
      const own = logits.subarray(start, start + SIZE);
      chosen.push(sampleOnCpu(own, rule, { step, counts }));
    }
    const test = { size: SIZE, rule, logits, expected: chosen };
    wrong += await testChoice(scope, "sample", test);
  }
  return wrong;
}

/** Biases of every other token. Returns how many logits are wrong. */
export async function testBias(scope: KernelScope): Promise<number> {
  const { gpu, pool } = scope;
  const size = SIZE;
  const shape = { size, stride: size, context: 4 };
  const own = createSampleBuffers(pool, shape);
  writeRule(gpu.device, own, { shape, rule: PLAIN });
  const biases = {
    ids: Uint32Array.from({ length: size / 2 }, (_, i) => 2 * i),
    values: randomFloats(size / 2, 12),
  };
  const buffer = createBiasBuffer(pool, size);
  writeBiases(gpu.device, buffer, biases, size);
  const expected = randomFloats(size, 13);
  const logits = upload(scope, expected);
  const control = upload(scope, new Uint32Array(controlBytes(1) / 4));
  const bias = (await createBias(scope))
    .bind({ logits, control, own, biases: buffer });
  const actual = new Float32Array(await read(scope, bias, logits));
  biasOnCpu(expected, biases);
  return expected.filter((logit, i) => logit !== actual[i]).length;
}

/** The same logits in each row, each rotated against the one before. */
function rotatedRows(by: number): Float32Array<ArrayBuffer> {
  const row = randomFloats(SIZE, 11);
  const rows = new Float32Array(STEPS * SIZE);
  for (let step = 0; step < STEPS; step++) {
    rows.set(row.subarray(step * by), step * SIZE);
    rows.set(row.subarray(0, step * by), step * (SIZE - by) + SIZE);
  }
  return rows;
}

/** Chooses a token of each row, as if all had been guessed. */
async function testChoice(
  scope: KernelScope,
  kernel: "argmax" | "sample",
  { size, rule, logits, expected }: {
    size: number;
    rule: SampleRule;
    logits: Float32Array<ArrayBuffer>;
    expected: readonly number[];
  },
): Promise<number> {
  const { gpu, pool } = scope;
  const shape = { size, stride: size, context: 4 };
  const own = createSampleBuffers(pool, shape);
  writeRule(gpu.device, own, { shape, rule });
  const steps = expected.length;
  const control = upload(scope, new Uint32Array(controlBytes(steps) / 4));
  const words = controlWords({
    ids: [0, ...expected.slice(0, -1)],
    position: 0,
    headFirst: 0,
    headRows: steps,
  });
  gpu.device.queue.writeBuffer(control, 0, words);
  const chosen = upload(scope, new Uint32Array(steps));
  const bound = (await createSample(scope))
    .bind({ logits: upload(scope, logits), control, chosen, own });
  const record = (pass: GPUComputePassEncoder) => {
    for (let step = 0; step < steps; step++) bound[kernel](pass);
  };
  const actual = new Uint32Array(await read(scope, record, chosen));
  return expected.filter((id, i) => id !== actual[i]).length;
}
