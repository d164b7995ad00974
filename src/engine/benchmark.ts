import { summarize } from "../bench/statistics.ts";
import { meterCommands } from "../gpu/command_meter.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { type DecodeCost, decodeCost, measureReads } from "./decode_cost.ts";
import type { Model } from "./model.ts";

/** Options for {@linkcode benchmarkModel}. */
export interface BenchmarkOptions {
  /** Prompt lengths to run; 0 is none. Defaults to `[512]`. */
  prompts?: readonly number[] | undefined;
  /** Numbers of tokens to generate; 0 is none. Defaults to `[128]`. */
  generations?: readonly number[] | undefined;
  /**
   * Tokens that are in the KV cache before what is timed begins. Defaults to
   * `[0]`.
   */
  depths?: readonly number[] | undefined;
  /**
   * Whether the time to a first token is measured, after a prompt of 1 token and
   * after each of `prompts`. Defaults to `false`.
   */
  firstToken?: boolean | undefined;
  /** How often each is measured, after one run to warm up. Defaults to 5. */
  repetitions?: number | undefined;
  /** Stops the benchmark. */
  signal?: AbortSignal | undefined;
}

/** One measured length, in llama-bench's terms. */
export interface BenchmarkResult {
  /**
   * What was timed: a prompt, a generation behind it, or a prompt and the first
   * token behind it.
   */
  test: "prompt" | "generation" | "firstToken";
  /** Tokens of the prompt, 0 where generation is measured. */
  nPrompt: number;
  /** Tokens generated, 0 where a prompt is measured. */
  nGen: number;
  /** Tokens in the KV cache before. */
  nDepth: number;
  /** Nanoseconds of each run. */
  samplesNs: number[];
  /** Tokens a second of each run. */
  samplesTs: number[];
  /** What a token cost, where generation is measured. */
  decode?: DecodeCost;
}

/** What is measured, complete and checked. */
interface Plan {
  prompts: readonly number[];
  generations: readonly number[];
  depths: readonly number[];
  firstToken: boolean;
  repetitions: number;
  signal: AbortSignal | undefined;
}

/**
 * Measures a model as llama-bench does: `n` prompt tokens in batches, and `n`
 * tokens generated one after the other, each behind as many tokens as `depths`
 * says, whose own time does not count. Generation includes sampling and the
 * turns that the event loop gets.
 *
 * @param model The model.
 * @param options What to measure.
 * @returns An iterator of one result a length and depth, as they are done.
 * @throws {RangeError} If a length is no integer or beyond the context: before
 * anything is measured.
 */
export async function* benchmarkModel(
  model: Model,
  options: BenchmarkOptions = {},
): AsyncGenerator<BenchmarkResult> {
  const plan = complete(model, options);
  const { prompts, generations, depths, signal } = plan;
  const { gpu, llama } = model.parts;
  const streamBytesPerSecond = generations.length > 0
    ? await measureReads(gpu, { signal })
    : undefined;
  for (const nDepth of depths) {
    for (const nPrompt of prompts) {
      const samplesNs = await measurePrompt(model, { nPrompt, nDepth, plan });
      yield toResult({ test: "prompt", nPrompt, nGen: 0, nDepth, samplesNs });
    }
    for (const nGen of generations) {
      const { samplesNs, cpuMs } = await measureGeneration(model, {
        gpu,
        nGen,
        nDepth,
        plan,
      });
      const decode = decodeCost(llama, {
        position: firstPosition(nDepth) + (nGen - 1) / 2,
        seconds: summarize(samplesNs).median / 1e9 / nGen,
        streamBytesPerSecond,
        cpuMs,
      });
      yield {
        ...toResult({
          test: "generation",
          nPrompt: 0,
          nGen,
          nDepth,
          samplesNs,
        }),
        decode,
      };
    }
  }
  if (!plan.firstToken) return;
  for (const nPrompt of new Set([1, ...prompts])) {
    const samplesNs = await measureFirstToken(model, { nPrompt, plan });
    const test = "firstToken";
    yield toResult({ test, nPrompt, nGen: 1, nDepth: 0, samplesNs });
  }
}

function complete(
  { contextLength }: Model,
  {
    prompts = [512],
    generations = [128],
    depths = [0],
    firstToken = false,
    repetitions = 5,
    signal,
  }: BenchmarkOptions,
): Plan {
  check("repetitions", repetitions, 1, 1e6);
  for (const depth of depths) check("the depth", depth, 0, contextLength - 1);
  for (const n of prompts) check("the prompt", n, 0, contextLength);
  // Before the first token comes BOS.
  for (const n of generations) {
    check("the generation", n, 0, contextLength - 1);
  }
  const some = (lengths: readonly number[]) => lengths.filter((n) => n > 0);
  const plan = { prompts: some(prompts), generations: some(generations) };
  const deepest = Math.max(0, ...depths);
  const longest = Math.max(0, ...plan.prompts, ...plan.generations);
  if (deepest + longest > contextLength) {
    throw new RangeError(
      `Cannot benchmark: ${longest} tokens at a depth of ${deepest} take a context of ${
        deepest + longest
      }, the model has ${contextLength}`,
    );
  }
  return { ...plan, depths, firstToken, repetitions, signal };
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `Cannot benchmark: ${name} is ${value}, an integer from ${least} to ${most} is wanted`,
  );
}

function toResult(
  result: Omit<BenchmarkResult, "samplesTs" | "decode">,
): BenchmarkResult {
  const tokens = result.nPrompt + result.nGen;
  const samplesTs = result.samplesNs.map((ns) => tokens / ns * 1e9);
  return { ...result, samplesTs };
}

/** Generation needs a token to follow. */
function firstPosition(nDepth: number): number {
  return Math.max(1, nDepth);
}

/** Nanoseconds of a prompt behind `nDepth` tokens that are kept. */
function measurePrompt(
  model: Model,
  { nPrompt, nDepth, plan }: { nPrompt: number; nDepth: number; plan: Plan },
): Promise<number[]> {
  const { signal } = plan;
  return model.lend(async ({ sequence }) => {
    sequence.rewind(0);
    if (nDepth > 0) await sequence.append(randomIds(model, nDepth), { signal });
    const ids = randomIds(model, nPrompt);
    return await repeat(plan, async () => {
      sequence.rewind(nDepth);
      const start = performance.now();
      await sequence.choose(ids, { signal });
      return performance.now() - start;
    });
  });
}

/** Nanoseconds of a generation, and the CPU's milliseconds for each token. */
async function measureGeneration(
  model: Model,
  { gpu, nGen, nDepth, plan }: {
    gpu: Gpu;
    nGen: number;
    nDepth: number;
    plan: Plan;
  },
): Promise<{ samplesNs: number[]; cpuMs: number }> {
  const { signal } = plan;
  const ids = randomIds(model, firstPosition(nDepth));
  const cpu: number[] = [];
  const samplesNs = await repeat(plan, async () => {
    // The first token comes with the prompt and is not counted.
    const generation = model.generate(ids, {
      maxTokens: nGen + 1,
      ignoreEos: true,
      speculation: "off",
      signal,
    });
    using meter = meterCommands(gpu.device);
    let isFirst = true;
    for await (const _ of generation) {
      if (isFirst) meter.reset();
      isFirst = false;
    }
    cpu.push(meter.ms / nGen);
    return (await generation.result()).timings.decodeMs;
  });
  return { samplesNs, cpuMs: summarize(cpu.slice(1)).median };
}

/** Nanoseconds from asking for a text to its first token. */
function measureFirstToken(
  model: Model,
  { nPrompt, plan }: { nPrompt: number; plan: Plan },
): Promise<number[]> {
  return repeat(plan, async () => {
    // Other ids each time: a prompt that was seen before may be kept.
    const ids = randomIds(model, nPrompt);
    const { timings } = await model.generate(ids, {
      maxTokens: 1,
      ignoreEos: true,
      speculation: "off",
      signal: plan.signal,
    }).result();
    return timings.firstTokenMs;
  });
}

/** Runs something to warm up, then as often as it is to be measured. */
async function repeat(
  { repetitions, signal }: Plan,
  once: () => Promise<number>,
): Promise<number[]> {
  const samplesNs: number[] = [];
  for (let i = 0; i <= repetitions; i++) {
    signal?.throwIfAborted();
    const ms = await once();
    if (i > 0) samplesNs.push(Math.round(ms * 1e6));
  }
  return samplesNs;
}

function randomIds({ tokenizer }: Model, length: number): number[] {
  const { bosId, size } = tokenizer;
  return Array.from(
    { length },
    (_, i) =>
      i === 0 && bosId !== undefined ? bosId : Math.floor(Math.random() * size),
  );
}
