import {
  type GenerateOptions,
  loadModel,
  type LoadModelOptions,
  type Model,
  type ModelInput,
  type PromptInput,
} from "../mod.ts";
import { logSumExp } from "../src/generate/logits.ts";
import { assertNmse } from "./gpu.ts";
import { llamaOracle } from "./llama_oracle.ts";

/** A file of the project, named from its root. */
export function projectFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** The logits after each token, as `score()` gives them. */
export async function scoredLogits(
  model: Model,
  ids: readonly number[],
): Promise<Float32Array[]> {
  const size = model.config.vocabularySize;
  const { positions } = await model.score(ids, { top: size });
  return positions.map(({ top }) => {
    const logits = new Float32Array(size).fill(NaN);
    for (const { id, logit } of top) logits[id] = logit;
    return logits;
  });
}

/** The ids of a generation that goes on past the end of the text. */
export async function continueIds(
  model: Model,
  prompt: PromptInput,
  options: GenerateOptions = {},
): Promise<number[]> {
  const generation = model.generate(prompt, {
    maxTokens: 12,
    ignoreEos: true,
    ...options,
  });
  return (await generation.result()).ids;
}

/** What {@linkcode assertMatchesOracle} runs. */
export interface OracleOptions extends LoadModelOptions {
  /** The text. */
  ids: readonly number[];
  /** NMSE of the logits. Defaults to `1e-10`. */
  limit?: number;
}

/**
 * Loads a model and asserts that the logits of a text, and the greedy ids behind
 * it with their log-probabilities, are the oracle's.
 */
export async function assertMatchesOracle(
  input: Uint8Array & ModelInput,
  { ids, limit = 1e-10, ...options }: OracleOptions,
): Promise<void> {
  await using model = await loadModel(input, { kv: "f32", ...options });
  const oracle = await llamaOracle(input, options);
  const expected = oracle.logits(ids).flatMap((row) => [...row]);
  const actual = (await scoredLogits(model, ids)).flatMap((row) => [...row]);
  assertNmse(actual, expected, limit);

  const generation = model.generate(ids, {
    maxTokens: 5,
    ignoreEos: true,
    logprobs: true,
  });
  const pieces = await Array.fromAsync(generation);
  const all = [...ids, ...pieces.map(({ id }) => id)];
  const rows = oracle.logits(all).slice(ids.length - 1);
  for (const [i, { id, logprob = NaN }] of pieces.entries()) {
    const row = rows[i]!;
    // Two logits that are as good as equal may change places.
    if (!(row[id]! >= Math.max(...row) - 1e-3)) {
      throw new Error(`Token ${i} is ${id}, which is not the best one`);
    }
    const error = Math.abs(logprob - (row[id]! - logSumExp(row)));
    if (!(error < 100 * Math.sqrt(limit))) {
      throw new Error(`The log-probability of token ${i} is off by ${error}`);
    }
  }
}
