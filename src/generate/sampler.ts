import { BANNED, type Biases, biasOnCpu } from "../kernels/bias.ts";
import { maskOnCpu } from "../kernels/mask.ts";
import {
  NOT_A_NUMBER,
  notANumberError,
  sampleOnCpu,
  type SampleRule,
} from "../kernels/sample_cpu.ts";
import { readBiases } from "./samplers/biases.ts";
import { Chain } from "./samplers/chain.ts";
import { checkSeed } from "./samplers/check.ts";
import { uncoveredBy } from "./samplers/coverage.ts";
import type { LogitsHook, SamplingOptions } from "./samplers/options.ts";
import { readSettings, type SamplingSettings } from "./samplers/settings.ts";

export type { SamplingOptions } from "./samplers/options.ts";

/** How tokens are chosen. */
export interface Sampling {
  /** The seed in use, `undefined` where nothing is left to chance. */
  readonly seed: number | undefined;
  /** Whether the most likely token is taken as it is. */
  readonly isArgmax: boolean;
  /** The rule as the kernels have it. */
  readonly rule: SampleRule;
  /** What is added to logits before. */
  readonly biases: Biases | undefined;
  /** The samplers, all of them. */
  readonly settings: SamplingSettings;
  /** The option for which the rule does not do, if there is one. */
  readonly uncovered: keyof SamplingOptions | undefined;
  /** Most tokens that a sampler looks back at. */
  readonly context: number;
  /** Changes logits before. */
  readonly onLogits: LogitsHook | undefined;
}

const { fround } = Math;

/**
 * Makes a rule of options.
 *
 * @param options How to choose; texts among them are resolved already, see
 * `resolve.ts`.
 * @param context Most tokens that penalties can look at. Defaults to 64.
 * @returns The rule, with a seed.
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If there is no such preset or sampler, or two options
 * contradict each other.
 */
export function readSampling(
  options: SamplingOptions = {},
  context = 64,
): Sampling {
  const settings = readSettings(options);
  const { seed = crypto.getRandomValues(new Uint32Array(1))[0]! } = options;
  checkSeed(seed);
  const { order, xtcProbability } = settings;
  const rule = makeRule(settings, seed, context);
  // Top choices are dropped by chance, whatever the temperature.
  const isGreedy = rule.scale === 0 && settings.dynatempRange === 0 &&
    !(order.includes("xtc") && xtcProbability < 1);
  return {
    seed: isGreedy ? undefined : seed,
    isArgmax: isGreedy && rule.lastN === 0,
    rule,
    biases: readBiases(options),
    settings,
    uncovered: uncoveredBy(settings),
    context,
    onLogits: options.onLogits,
  };
}

/** The option for which logits are read back, if there is one. */
export function onlyOnCpu(
  { uncovered, onLogits }: Sampling,
): keyof SamplingOptions | undefined {
  return uncovered ?? (onLogits === undefined ? undefined : "onLogits");
}

/** The part of the settings that the kernels cover. */
function makeRule(
  settings: SamplingSettings,
  seed: number,
  context: number,
): SampleRule {
  const { order, temperature, repeatPenalty, repeatLastN, topP } = settings;
  const { frequencyPenalty, presencePenalty } = settings;
  const wanted = repeatLastN < 0 ? context : repeatLastN;
  const lastN = order.includes("penalties") ? Math.min(wanted, context) : 0;
  // Without a temperature it is that of the model.
  const divisor = order.includes("temperature") ? temperature : 1;
  return {
    seed,
    topK: order.includes("topK") ? settings.topK : 0,
    topP: order.includes("topP") ? Math.max(1, Math.floor(topP * 2 ** 32)) : 0,
    // WGSL promises nothing about infinity.
    least: order.includes("minP")
      ? fround(Math.max(Math.log(settings.minP), -1e38))
      : -1e38,
    scale: divisor === 0 ? 0 : fround(
      Math.max(1e-20, Math.min(Math.LOG2E / divisor, 1e30)),
    ),
    lastN,
    repeat: fround(repeatPenalty),
    inverseRepeat: fround(1 / repeatPenalty),
    fines: Float32Array.from(
      { length: lastN + 1 },
      (_, count) =>
        count === 0 ? 0 : presencePenalty + count * frequencyPenalty,
    ),
  };
}

/** What of a {@linkcode Sampler} goes on from token to token. */
export interface SamplerState {
  /** Mirostat's `mu`, in bits. */
  mu?: number | undefined;
}

/**
 * Chooses the next token of one generation on the CPU. What it chooses depends
 * on the logits, the options, the step, the tokens before, and its state.
 */
export class Sampler {
  readonly #sampling: Sampling;
  readonly #chain: Chain | undefined;
  /** All tokens so far. */
  readonly #ids: number[];
  /** How often tokens stand among the last `lastN`. */
  readonly #counts = new Map<number, number>();

  /**
   * Creates a {@linkcode Sampler}.
   *
   * @param sampling How to choose.
   * @param history Tokens that went before.
   * @param state The state behind them. Defaults to that of a generation that
   * begins.
   */
  constructor(
    sampling: Sampling,
    history: readonly number[] = [],
    { mu }: SamplerState = {},
  ) {
    const { settings, rule, uncovered, context } = sampling;
    this.#sampling = sampling;
    if (uncovered !== undefined) {
      this.#chain = new Chain({ settings, rule, context, mu });
    }
    this.#ids = [...history];
    if (rule.lastN === 0) return;
    for (const id of history.slice(-rule.lastN)) this.#count(id, 1);
  }

  /** What goes on to the next token. */
  get state(): SamplerState {
    return { mu: this.#chain?.mu };
  }

  /**
   * Chooses a token and takes note of it.
   *
   * @param logits The logits of all tokens, which stay as they are.
   * @param step Tokens that were chosen before it.
   * @returns Its id.
   * @throws {Error} If a logit is not a number.
   */
  sample(logits: Float32Array, step: number): number {
    return this.#choose(this.#biased(logits), step, notANumberError);
  }

  /**
   * Chooses a token, and takes note of it, behind the hook of the options.
   *
   * @param logits The logits of all tokens, which stay as they are: the hook gets
   * a copy.
   * @param step Tokens that were chosen before it.
   * @param allowed Which tokens may come, a bit for each. Defaults to all.
   * @returns Its id.
   * @throws {Error} If a logit is not a number, or no token can be chosen.
   * @throws What the hook throws.
   */
  async sampleHooked(
    logits: Float32Array,
    step: number,
    allowed?: Uint32Array,
  ): Promise<number> {
    const { onLogits } = this.#sampling;
    let own = this.#biased(logits);
    if (onLogits !== undefined) {
      // What the model got wrong is not the hook's fault.
      if (logits.some(Number.isNaN)) throw notANumberError();
      own = own.slice();
      await onLogits(own, { ids: this.#ids.slice(), step });
      if (!own.some((logit) => logit > -Infinity)) throw hookError();
    }
    if (allowed !== undefined) {
      own = maskOnCpu(own, allowed);
      if (own.every((logit) => logit === -Infinity)) throw ruledOutError();
    }
    const makeError = onLogits === undefined ? notANumberError : hookError;
    return this.#choose(own, step, makeError);
  }

  #biased(logits: Float32Array): Float32Array {
    const { biases } = this.#sampling;
    if (biases === undefined) return logits;
    const biased = logits.slice();
    biasOnCpu(biased, biases);
    // Samplers that look at all logits know only infinity.
    for (const id of biases.ids) {
      if (biased[id]! <= BANNED) biased[id] = -Infinity;
    }
    return biased;
  }

  #choose(
    logits: Float32Array,
    step: number,
    makeError: () => Error,
  ): number {
    const { rule } = this.#sampling;
    const now = { step, ids: this.#ids, counts: this.#counts };
    const id = this.#chain?.choose(logits, now) ??
      sampleOnCpu(logits, rule, now);
    if (id === NOT_A_NUMBER) throw makeError();
    this.#takeNote(id);
    return id;
  }

  #takeNote(id: number): void {
    this.#ids.push(id);
    const { lastN } = this.#sampling.rule;
    if (lastN === 0) return;
    this.#count(id, 1);
    const old = this.#ids[this.#ids.length - 1 - lastN];
    if (old !== undefined) this.#count(old, -1);
  }

  #count(id: number, by: number): void {
    const count = (this.#counts.get(id) ?? 0) + by;
    if (count === 0) this.#counts.delete(id);
    else this.#counts.set(id, count);
  }
}

/** Whether a token is never to be chosen. */
export function isBanned({ biases }: Sampling, id: number): boolean {
  const i = biases?.ids.indexOf(id) ?? -1;
  return i >= 0 && biases!.values[i]! <= BANNED;
}

/** The error where a grammar allows only what may not be chosen. */
export function ruledOutError(): Error {
  return new Error(
    "Cannot generate: all tokens that the grammar allows are ruled out, one that is not is wanted",
  );
}

function hookError(): Error {
  return new Error(
    "Cannot generate: onLogits leaves NaN or nothing to choose from, numbers are wanted",
  );
}
