import { openTimer } from "../bench/ceilings.ts";
import { summarize } from "../bench/statistics.ts";
import type { Timer } from "../bench/timer.ts";
import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import {
  type ProfiledWork,
  type TimedDispatch,
  timeDispatches,
} from "../gpu/profile.ts";
import { controlWords } from "../kernels/control.ts";
import { type Matrix, matrixBytes } from "../kernels/matrix.ts";
import { createSampleBuffers, writeRule } from "../kernels/sample.ts";
import { ARGMAX_RULE } from "../kernels/sample_cpu.ts";
import { createKvBuffers, kvBytes } from "../model/kv_buffers.ts";
import { batchOf, type Llama, type LlamaRows } from "../model/llama.ts";
import type { LayerWeights } from "../model/weights.ts";
import type { Model } from "./model.ts";

/** Options for {@linkcode profileModel}. */
export interface ProfileOptions {
  /** Positions before the decode step. Defaults to `[0]`. */
  depths?: readonly number[] | undefined;
  /**
   * Rows of the prompt batch, 0 for none. Defaults to a whole batch.
   */
  prompt?: number | undefined;
  /** How often each is measured, after once to warm up. Defaults to 5. */
  repetitions?: number | undefined;
  /** Stops between two measurements. */
  signal?: AbortSignal | undefined;
}

/** Dispatches of one stage or kernel. */
export interface ProfileEntry {
  /** The stage, or the kernel's label. */
  name: string;
  /** How many dispatches. */
  dispatches: number;
  /** Seconds of all of them. */
  seconds: number;
  /** `seconds` by those of all dispatches. */
  share: number;
  /** Bytes of weights or KV cache that they read at least, where they do. */
  readBytes?: number;
}

/** Where the GPU's time goes in one step. */
export interface ModelProfile {
  /** A decode step, or a batch of a prompt. */
  test: "decode" | "prompt";
  /** Rows of the batch. */
  rows: number;
  /** Positions before it. */
  depth: number;
  /** Seconds of all dispatches, each alone in a pass. */
  seconds: number;
  /** Seconds of the step as it runs, in one pass. */
  passSeconds: number;
  /** The stages, in the order in which they first come. */
  stages: ProfileEntry[];
  /** The kernels by label, the slowest first. */
  kernels: ProfileEntry[];
}

/**
 * Measures the GPU's time in each kernel of a decode step and of a batch of a
 * prompt: medians of timestamps around each dispatch.
 *
 * @param model The model; what it remembers is left alone.
 * @param options What to measure.
 * @returns An iterator of one profile a depth, then that of the prompt.
 * @throws {RangeError} If a size is beyond the context.
 * @throws {Error} If the device has no timestamps that can be relied on.
 */
export async function* profileModel(
  model: Model,
  options: ProfileOptions = {},
): AsyncGenerator<ModelProfile> {
  const { gpu, llama } = model.parts;
  const { depths = [0], prompt = llama.state.batch, repetitions = 5, signal } =
    options;
  check("repetitions", repetitions, 1, 1e6);
  for (const depth of depths) check("the depth", depth, 0, llama.context - 1);
  check("the prompt", prompt, 0, Math.min(llama.context, llama.state.batch));
  using timer = await openTimestamps(gpu);
  using pool = new BufferPool(gpu.device);
  const context = Math.max(prompt, ...depths.map((depth) => depth + 1));
  const attention = llama.bindCache(
    createKvBuffers(pool, { ...llama, context }),
  );
  const { logits, control, chosen } = llama.state;
  const { vocabularySize } = llama.config;
  const shape = { size: llama.tokens, stride: vocabularySize, context };
  const own = createSampleBuffers(pool, shape);
  await pool.check("a KV cache to profile with");
  writeRule(gpu.device, own, { shape, rule: ARGMAX_RULE });
  const { argmax } = llama.sample.bind({ logits, control, chosen, own });
  const measure = (rows: LlamaRows) => {
    const work: ProfiledWork = (pass, mark) => {
      llama.forward(pass, batchOf(rows, attention), mark);
      mark("head");
      llama.head(pass, 1, "step");
      mark("sample");
      argmax(pass);
    };
    // The choice of a token moves on to the next position.
    const prepareStep = () => prepare(gpu, llama, rows);
    const options = { gpu, timer, work, prepareStep, repetitions, signal };
    return profile(options);
  };
  for (const position of depths) {
    const result = await measure({ rows: 1, position, kind: "step" });
    yield describe(llama, {
      ...result,
      test: "decode",
      rows: 1,
      depth: position,
    });
  }
  if (prompt === 0) return;
  const result = await measure({ rows: prompt, position: 0, kind: "prompt" });
  yield describe(llama, { ...result, test: "prompt", rows: prompt, depth: 0 });
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `Cannot profile: ${name} is ${value}, an integer from ${least} to ${most} is wanted`,
  );
}

async function openTimestamps(gpu: Gpu): Promise<Timer> {
  if (!gpu.device.features.has("timestamp-query")) {
    throw new Error(
      `Cannot profile: "${gpu.info.description}" has no timestamps, the feature timestamp-query is wanted`,
    );
  }
  const timer = await openTimer(gpu);
  if (timer.method === "timestamps") return timer;
  timer[Symbol.dispose]();
  throw new Error(
    `Cannot profile: the timestamps of "${gpu.info.description}" differ from the clock`,
  );
}

function prepare(
  { device }: Gpu,
  { state, config }: Llama,
  { rows, position }: LlamaRows,
): void {
  const { vocabularySize } = config;
  const words = controlWords({
    ids: Array.from({ length: rows }, (_, i) => i * 7919 % vocabularySize),
    position,
    headFirst: rows - 1,
    headRows: 1,
  });
  device.queue.writeBuffer(state.control, 0, words);
}

interface Measured {
  dispatches: TimedDispatch[];
  passSeconds: number;
}

/** The medians of some work, dispatch by dispatch and as a whole. */
async function profile(
  { gpu, timer, work, prepareStep, repetitions, signal }: {
    gpu: Gpu;
    timer: Timer;
    work: ProfiledWork;
    prepareStep: () => void;
    repetitions: number;
    signal: AbortSignal | undefined;
  },
): Promise<Measured> {
  const runs: TimedDispatch[][] = [];
  const wholes: number[] = [];
  for (let i = 0; i <= repetitions; i++) {
    signal?.throwIfAborted();
    prepareStep();
    const whole = await timer.time((pass) => work(pass, () => {}), 1);
    prepareStep();
    const run = await timeDispatches(gpu, work);
    if (gpu.health.problem !== undefined) {
      throw new Error(`Cannot profile: ${gpu.health.problem}`);
    }
    if (i === 0) continue; // the first one warms up
    wholes.push(whole);
    runs.push(run);
  }
  const dispatches = runs[0]!.map((dispatch, i) => ({
    ...dispatch,
    seconds: summarize(runs.map((run) => run[i]!.seconds)).median,
  }));
  return { dispatches, passSeconds: summarize(wholes).median };
}

/** Sums the dispatches up by stage and by kernel. */
function describe(
  llama: Llama,
  { dispatches, ...step }:
    & Measured
    & Pick<ModelProfile, "test" | "rows" | "depth">,
): ModelProfile {
  const seconds = dispatches.reduce((sum, { seconds }) => sum + seconds, 0);
  const sum = (name: string, some: readonly TimedDispatch[]): ProfileEntry => {
    const own = some.reduce((sum, { seconds }) => sum + seconds, 0);
    return {
      name,
      dispatches: some.length,
      seconds: own,
      share: own / seconds,
    };
  };
  const positions = step.depth + step.rows;
  const stages = [...Map.groupBy(dispatches, stageOf)].map(([name, some]) => {
    const readBytes = stageBytes(llama, name, positions);
    return { ...sum(name, some), ...(readBytes > 0 && { readBytes }) };
  });
  const kernels = [...Map.groupBy(dispatches, ({ kernel }) => kernel)]
    .map(([name, some]) => sum(name, some))
    .sort((a, b) => b.seconds - a.seconds);
  return { ...step, seconds, stages, kernels };
}

/** Some kernels are stages of their own, wherever they stand. */
const KERNEL_STAGES: readonly [prefix: string, stage: string][] = [
  ["rms_norm", "norm"],
  ["quantize", "quantize"],
  ["attention_reduce", "attention reduce"],
];

function stageOf({ kernel, stage }: TimedDispatch): string {
  const own = KERNEL_STAGES.find(([prefix]) => kernel.startsWith(prefix));
  return own?.[1] ?? stage;
}

/** Bytes of weights, or of KV cache, that a stage reads at least. */
function stageBytes(
  { weights, config, kv }: Llama,
  stage: string,
  positions: number,
): number {
  const sum = (matrices: readonly Matrix[]) =>
    matrices.reduce((sum, matrix) => sum + matrixBytes(matrix), 0);
  const layers = (of: (layer: LayerWeights) => readonly Matrix[]) =>
    sum(weights.layers.flatMap(of));
  switch (stage) {
    case "qkv":
      return layers(({ attnQkv }) => attnQkv);
    case "attention":
      return kvBytes({ config, context: positions, kv });
    case "output":
      return layers(({ attnOutput }) => [attnOutput]);
    case "gate_up":
      return layers(({ ffnGateUp }) => ffnGateUp);
    case "down":
      return layers(({ ffnDown }) => [ffnDown]);
    case "head":
      return sum([weights.output]);
    default:
      return 0;
  }
}
