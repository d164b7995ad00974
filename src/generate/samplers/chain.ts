import { NOT_A_NUMBER, type SampleRule } from "../../kernels/sample_cpu.ts";
import { Candidates } from "./candidates.ts";
import { drawId } from "./draw.ts";
import { applyDry, type Breakers } from "./dry.ts";
import { applyMinP } from "./min_p.ts";
import { drawByMirostat } from "./mirostat.ts";
import type { SamplerName } from "./options.ts";
import { applyPenalties } from "./penalties.ts";
import { uniform } from "./random.ts";
import type { SamplingSettings } from "./settings.ts";
import { applyTemperature } from "./temperature.ts";
import { applyTopK } from "./top_k.ts";
import { applyTopNSigma } from "./top_n_sigma.ts";
import { applyTopP } from "./top_p.ts";
import { applyTypicalP } from "./typical_p.ts";
import { applyXtc } from "./xtc.ts";

/** What a {@linkcode Chain} is made of. */
export interface ChainOptions {
  /** The samplers and their order. */
  settings: SamplingSettings;
  /** The penalties as the kernels have them, and the seed. */
  rule: SampleRule;
  /** Tokens that DRY can look through. */
  context: number;
  /** Mirostat's state. Defaults to that of a generation that begins. */
  mu?: number | undefined;
}

/** What a choice depends on besides the logits and the options. */
export interface ChainStep {
  /** Tokens that were chosen before. */
  step: number;
  /** All tokens so far. */
  ids: readonly number[];
  /** How often tokens stand among the last ones that penalties look at. */
  counts: ReadonlyMap<number, number>;
}

/**
 * Chooses tokens by samplers in any order. All that it keeps from token to token
 * is {@linkcode Chain.mu}.
 */
export class Chain {
  readonly #options: ChainOptions;
  readonly #breakers: Breakers;
  #mu: number;

  /**
   * Creates a {@linkcode Chain}.
   *
   * @param options The samplers.
   */
  constructor(options: ChainOptions) {
    const { mirostatTau, drySequenceBreakers } = options.settings;
    this.#options = options;
    this.#breakers = byFirstId(drySequenceBreakers);
    this.#mu = options.mu ?? 2 * mirostatTau;
  }

  /** Most surprise that mirostat allows the next token, in bits. */
  get mu(): number {
    return this.#mu;
  }

  /**
   * Chooses a token.
   *
   * @param logits The logits of all tokens.
   * @param now What went before.
   * @returns Its id, or `NOT_A_NUMBER`.
   */
  choose(logits: Float32Array, now: ChainStep): number {
    const { settings, rule: { seed } } = this.#options;
    const { mirostat, mirostatTau, mirostatEta } = settings;
    const candidates = new Candidates(logits);
    if (!canChoose(candidates)) return NOT_A_NUMBER;
    // From here on one that can be chosen stays, whatever goes.
    for (const name of settings.order) this.#apply(name, candidates, now);
    const key = { seed, step: now.step };
    if (mirostat === 0) return drawId(candidates, key);
    const { id, mu } = drawByMirostat(candidates, {
      ...key,
      version: mirostat,
      tau: mirostatTau,
      eta: mirostatEta,
      mu: this.#mu,
      tokens: logits.length,
    });
    this.#mu = mu;
    return id;
  }

  #apply(name: SamplerName, candidates: Candidates, now: ChainStep): void {
    const { settings, rule, context } = this.#options;
    const { minKeep } = settings;
    switch (name) {
      case "penalties":
        return applyPenalties(candidates, rule, now.counts);
      case "dry": {
        const lastN = settings.dryPenaltyLastN;
        const text = now.ids.slice(-(lastN < 0 ? context : lastN));
        return applyDry(candidates, text, {
          multiplier: settings.dryMultiplier,
          base: settings.dryBase,
          allowedLength: settings.dryAllowedLength,
          breakers: this.#breakers,
        });
      }
      case "topNSigma":
        return applyTopNSigma(candidates, settings.topNSigma);
      case "topK":
        return applyTopK(candidates, settings.topK);
      case "typicalP":
        return applyTypicalP(candidates, settings.typicalP, minKeep);
      case "topP":
        return applyTopP(candidates, settings.topP, minKeep);
      case "minP":
        return applyMinP(candidates, settings.minP, minKeep);
      case "xtc":
        return applyXtc(candidates, {
          probability: settings.xtcProbability,
          threshold: settings.xtcThreshold,
          minKeep,
          chance: uniform({ seed: rule.seed, step: now.step }, "xtc"),
        });
      case "temperature":
        return applyTemperature(candidates, {
          temperature: settings.temperature,
          range: settings.mirostat === 0 ? settings.dynatempRange : 0,
          exponent: settings.dynatempExponent,
        });
    }
  }
}

function byFirstId(sequences: readonly (readonly number[])[]): Breakers {
  const breakers = new Map<number, number[][]>();
  for (const [first, ...rest] of sequences) {
    if (first === undefined) continue;
    breakers.set(first, [...breakers.get(first) ?? [], rest]);
  }
  return breakers;
}

/** Whether all logits are numbers, and one of them can be chosen. */
function canChoose(candidates: Candidates): boolean {
  const { logits } = candidates;
  return !logits.some(Number.isNaN) &&
    Number.isFinite(logits[candidates.bestPlace()]);
}
