import {
  NOT_A_NUMBER,
  notANumberError,
  sampleOnCpu,
  type SampleRule,
} from "../kernels/sample_cpu.ts";

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
   * Makes tokens that stand among the last ones less likely: positive logits are
   * divided by it, negative ones multiplied. Defaults to 1, which changes nothing.
   */
  repeatPenalty?: number | undefined;
  /**
   * Taken off a token's logit for each time that it stands among the last ones.
   * Defaults to 0.
   */
  frequencyPenalty?: number | undefined;
  /**
   * Taken off the logit of a token that stands among the last ones. Defaults to
   * 0.
   */
  presencePenalty?: number | undefined;
  /**
   * How many of the last tokens, the prompt's included, the penalties look at;
   * -1 is all. Defaults to 64.
   */
  repeatLastN?: number | undefined;
  /**
   * Makes sampling reproducible, an unsigned 32-bit integer. Defaults to a
   * random one, which the result reports.
   */
  seed?: number | undefined;
}

/** A rule to choose tokens by. */
export interface Sampling {
  /** The seed in use, `undefined` where nothing is left to chance. */
  readonly seed: number | undefined;
  /** Whether the most likely token is taken as it is. */
  readonly isArgmax: boolean;
  /** The rule as the kernels have it. */
  readonly rule: SampleRule;
}

const { fround } = Math;

/** More than any sequence has. */
const MAX_LAST_N = 2 ** 24;

/**
 * Makes a rule of options: penalties, then top-k, top-p, min-p, and then the
 * temperature, in llama.cpp's order.
 *
 * @param options How to choose.
 * @param context Most tokens that penalties can look at. Defaults to 64.
 * @returns The rule, with a seed.
 * @throws {RangeError} If an option is out of its range.
 */
export function readSampling(
  options: SamplingOptions = {},
  context = 64,
): Sampling {
  const {
    temperature = 0,
    topK = 0,
    topP = 1,
    minP = 0,
    repeatPenalty = 1,
    frequencyPenalty = 0,
    presencePenalty = 0,
    repeatLastN = 64,
    seed = crypto.getRandomValues(new Uint32Array(1))[0]!,
  } = options;
  checkSampling({
    temperature,
    topK,
    topP,
    minP,
    repeatPenalty,
    frequencyPenalty,
    presencePenalty,
    repeatLastN,
    seed,
  });
  const penalizes = repeatPenalty !== 1 || frequencyPenalty !== 0 ||
    presencePenalty !== 0;
  const wanted = repeatLastN < 0 ? context : repeatLastN;
  const lastN = penalizes ? Math.min(wanted, context) : 0;
  const greedy = temperature === 0;
  return {
    seed: greedy ? undefined : seed,
    isArgmax: greedy && lastN === 0,
    rule: {
      seed,
      topK,
      topP: topP === 1 ? 0 : Math.max(1, Math.floor(topP * 2 ** 32)),
      // WGSL promises nothing about infinity.
      least: fround(Math.max(Math.log(minP), -1e38)),
      scale: greedy ? 0 : fround(
        Math.max(1e-30, Math.min(Math.LOG2E / temperature, 1e30)),
      ),
      lastN,
      repeat: fround(repeatPenalty),
      inverseRepeat: fround(1 / repeatPenalty),
      fines: Float32Array.from(
        { length: lastN + 1 },
        (_, count) =>
          count === 0 ? 0 : presencePenalty + count * frequencyPenalty,
      ),
    },
  };
}

function checkSampling(options: Required<SamplingOptions>): void {
  const check = (
    names: (keyof SamplingOptions)[],
    isGood: (value: number) => boolean,
    wanted: string,
  ) => {
    for (const name of names) {
      if (isGood(options[name]!)) continue;
      throw new RangeError(
        `Cannot sample: ${name} is ${options[name]}, ${wanted} is wanted`,
      );
    }
  };
  check(
    ["temperature"],
    (value) => value >= 0 && Number.isFinite(value),
    "a number from 0 on",
  );
  check(
    ["topP", "minP"],
    (value) => value >= 0 && value <= 1,
    "a number from 0 to 1",
  );
  check(
    ["repeatPenalty"],
    (value) => value >= 1e-6 && value <= 1e6,
    "a positive number up to 1000000",
  );
  check(
    ["frequencyPenalty", "presencePenalty"],
    (value) => Math.abs(value) <= 1e6,
    "a number from -1000000 to 1000000",
  );
  const isWhole = (value: number) =>
    Number.isInteger(value) && value >= 0 && value < 2 ** 32;
  check(["topK"], isWhole, "an integer from 0 on");
  check(
    ["repeatLastN"],
    (value) => value === -1 || (isWhole(value) && value <= MAX_LAST_N),
    `an integer from -1 to ${MAX_LAST_N}`,
  );
  check(["seed"], isWhole, "an integer from 0 to 4294967295");
}

/** Chooses the next token of one generation on the CPU. */
export class Sampler {
  readonly #rule: SampleRule;
  /** The last tokens, at most `lastN`, and how often each is one of them. */
  readonly #recent: number[] = [];
  readonly #counts = new Map<number, number>();

  /**
   * Creates a {@linkcode Sampler}.
   *
   * @param sampling The rule.
   * @param history Tokens that went before.
   */
  constructor({ rule }: Sampling, history: readonly number[] = []) {
    this.#rule = rule;
    if (rule.lastN === 0) return;
    for (const id of history.slice(-rule.lastN)) this.#takeNote(id);
  }

  /**
   * Chooses a token and takes note of it.
   *
   * @param logits The logits of all tokens.
   * @param step Tokens that were chosen before it.
   * @returns Its id.
   * @throws {Error} If a logit is not a number.
   */
  sample(logits: Float32Array, step: number): number {
    const counts = this.#counts;
    const id = sampleOnCpu(logits, this.#rule, { step, counts });
    if (id === NOT_A_NUMBER) throw notANumberError();
    if (this.#rule.lastN > 0) this.#takeNote(id);
    return id;
  }

  #takeNote(id: number): void {
    this.#recent.push(id);
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    if (this.#recent.length <= this.#rule.lastN) return;
    const old = this.#recent.shift()!;
    const count = this.#counts.get(old)! - 1;
    if (count === 0) this.#counts.delete(old);
    else this.#counts.set(old, count);
  }
}
