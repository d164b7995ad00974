import type { Model } from "./model.ts";

/** Options for {@linkcode benchmarkModel}. */
export interface BenchmarkOptions {
  /** Prompt lengths to run; 0 is none. Defaults to `[512]`. */
  prompts?: readonly number[] | undefined;
  /** Numbers of tokens to generate; 0 is none. Defaults to `[128]`. */
  generations?: readonly number[] | undefined;
  /** How often each is measured, after one run to warm up. Defaults to 5. */
  repetitions?: number | undefined;
  /** Stops the benchmark. */
  signal?: AbortSignal | undefined;
}

/** One measured length, in llama-bench's terms. */
export interface BenchmarkResult {
  /** Tokens of the prompt, 0 where generation is measured. */
  nPrompt: number;
  /** Tokens generated, 0 where a prompt is measured. */
  nGen: number;
  /** Nanoseconds of each run. */
  samplesNs: number[];
  /** Tokens a second of each run. */
  samplesTs: number[];
}

/**
 * Measures a model as llama-bench does: `n` prompt tokens in batches, and `n`
 * tokens generated one by one from an empty context. Generation includes
 * sampling and the turn that the event loop gets after each token.
 *
 * @param model The model.
 * @param options What to measure.
 * @returns An iterator of one result a length, as they are done.
 * @throws {RangeError} If a length is no integer or beyond the context.
 */
export async function* benchmarkModel(
  model: Model,
  options: BenchmarkOptions = {},
): AsyncGenerator<BenchmarkResult> {
  const { prompts = [512], generations = [128], repetitions = 5, signal } =
    options;
  check("repetitions", repetitions, 1, 1e6);
  for (const n of prompts) check("the prompt", n, 0, model.contextLength);
  // Before the first token comes BOS.
  for (const n of generations) {
    check("the generation", n, 0, model.contextLength - 1);
  }
  for (const n of prompts.filter((n) => n > 0)) {
    const ids = randomIds(model, n);
    const once = async () => {
      const { timings } = await model.generate(ids, {
        maxTokens: 0,
        ...(signal && { signal }),
      }).result();
      return timings.prefillMs;
    };
    yield { nPrompt: n, nGen: 0, ...await measure(once, n, repetitions) };
  }
  for (const n of generations.filter((n) => n > 0)) {
    const once = async () => {
      // The first token comes with the prompt and is not counted.
      const { timings } = await model.generate(randomIds(model, 1), {
        maxTokens: n + 1,
        ignoreEos: true,
        ...(signal && { signal }),
      }).result();
      return timings.decodeMs;
    };
    yield { nPrompt: 0, nGen: n, ...await measure(once, n, repetitions) };
  }
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `Cannot benchmark: ${name} is ${value}, an integer from ${least} to ${most} is wanted`,
  );
}

async function measure(
  once: () => Promise<number>,
  tokens: number,
  repetitions: number,
): Promise<Pick<BenchmarkResult, "samplesNs" | "samplesTs">> {
  await once();
  const samplesNs: number[] = [];
  for (let i = 0; i < repetitions; i++) {
    samplesNs.push(Math.round(await once() * 1e6));
  }
  return { samplesNs, samplesTs: samplesNs.map((ns) => tokens / ns * 1e9) };
}

function randomIds({ tokenizer }: Model, length: number): number[] {
  const { bosId, size } = tokenizer;
  return Array.from(
    { length },
    (_, i) =>
      i === 0 && bosId !== undefined ? bosId : Math.floor(Math.random() * size),
  );
}
