import { argmax, topIds } from "./logits.ts";
import { philox } from "./philox.ts";

/** How the next token is chosen. */
export interface SamplingOptions {
  /**
   * Divides the logits: 0 takes the most likely token (greedy), 1 samples from
   * the model's own distribution. Defaults to 0.
   */
  temperature?: number | undefined;
  /** Samples among the `topK` most likely tokens; 0 is all. Defaults to 0. */
  topK?: number | undefined;
  /**
   * Samples among the most likely tokens that together have at least this
   * probability; 1 is all. Defaults to 1.
   */
  topP?: number | undefined;
  /**
   * Samples among tokens with at least this share of the best one's
   * probability; 0 is all. Defaults to 0.
   */
  minP?: number | undefined;
  /**
   * Makes sampling reproducible, an unsigned 32-bit integer. Defaults to a
   * random one, which the result reports.
   */
  seed?: number | undefined;
}

/** Chooses the next token of one generation. */
export interface Sampler {
  /** The seed in use, `undefined` where nothing is left to chance. */
  readonly seed: number | undefined;
  /** Chooses among the logits of all tokens; `step` counts from 0. */
  sample(logits: Float32Array, step: number): number;
}

/**
 * Creates a sampler: top-k, then top-p, then min-p, then the temperature, in
 * llama.cpp's order.
 *
 * @param options How to choose.
 * @returns The sampler.
 * @throws {RangeError} If an option is out of its range.
 */
export function createSampler(options: SamplingOptions = {}): Sampler {
  const {
    temperature = 0,
    topK = 0,
    topP = 1,
    minP = 0,
    seed = crypto.getRandomValues(new Uint32Array(1))[0]!,
  } = options;
  const check = (name: string, value: number, ok: boolean, wanted: string) => {
    if (ok) return;
    throw new RangeError(
      `Cannot sample: ${name} is ${value}, ${wanted} is wanted`,
    );
  };
  const unit = (value: number) => value >= 0 && value <= 1;
  const whole = (value: number) =>
    Number.isInteger(value) && value >= 0 && value < 2 ** 32;
  check(
    "temperature",
    temperature,
    temperature >= 0 && Number.isFinite(temperature),
    "a number from 0 on",
  );
  check("topK", topK, whole(topK), "an integer from 0 on");
  check("topP", topP, unit(topP), "a number from 0 to 1");
  check("minP", minP, unit(minP), "a number from 0 to 1");
  check("seed", seed, whole(seed), "an integer from 0 to 4294967295");

  return {
    seed: temperature === 0 ? undefined : seed,
    sample(logits, step) {
      if (temperature === 0) return argmax(logits);
      let ids = topK > 0 ? topIds(logits, topK) : undefined;
      if (topP < 1) ids = nucleus(logits, ids, topP);
      ids ??= Uint32Array.from(logits.keys());
      const best = logits[argmax(logits)]!;
      if (minP > 0) {
        const least = best + Math.log(minP);
        ids = ids.filter((id) => logits[id]! >= least);
      }
      const weights = Float64Array.from(
        ids,
        (id) => Math.exp((logits[id]! - best) / temperature),
      );
      return ids[draw(weights, philox(seed, step))]!;
    },
  };
}

/** The fewest best tokens that together have `topP` of the probability. */
function nucleus(
  logits: Float32Array,
  among: Uint32Array | undefined,
  topP: number,
): Uint32Array {
  const best = logits[argmax(logits)]!;
  let total = 0;
  if (among !== undefined) {
    for (const id of among) total += Math.exp(logits[id]! - best);
  } else {
    for (const logit of logits) total += Math.exp(logit - best);
  }
  // Sorting all tokens is slow and a few of them mostly do: take ever more.
  for (let count = 64;; count *= 8) {
    const ids = among ?? topIds(logits, count);
    let sum = 0;
    for (let i = 0; i < ids.length; i++) {
      sum += Math.exp(logits[ids[i]!]! - best);
      if (sum >= topP * total) return ids.subarray(0, i + 1);
    }
    if (among !== undefined || count >= logits.length) return ids;
  }
}

/** Draws an index in proportion to its weight; `u` is uniform in [0, 1). */
function draw(weights: Float64Array, u: number): number {
  let rest = u * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return argmax(weights); // rounding left a crumb
}
