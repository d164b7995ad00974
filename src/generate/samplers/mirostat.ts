import type { Candidates } from "./candidates.ts";
import { drawId } from "./draw.ts";
import type { RandomKey } from "./random.ts";

/** Tokens from which version 1 tells how fast probabilities fall. */
const ESTIMATED = 100;

/** Options for {@linkcode drawByMirostat}. */
export interface MirostatOptions extends RandomKey {
  /** 1 or 2. */
  version: number;
  /** Surprise that tokens are to have on average, in bits. */
  tau: number;
  /** How fast it adapts. */
  eta: number;
  /** Most surprise that a token may have now, in bits: `2 * tau` at first. */
  mu: number;
  /** Tokens of the vocabulary. */
  tokens: number;
}

/** What {@linkcode drawByMirostat} gives. */
export interface MirostatDraw {
  /** The token. */
  id: number;
  /** `mu` for the next one. */
  mu: number;
}

/**
 * Draws a token so that texts keep a surprise (Basu et al. 2020, "Mirostat: a
 * neural text decoding algorithm that directly controls perplexity"). Version 1
 * takes the `k` best tokens, for which it estimates how fast probabilities fall;
 * version 2 takes those of at most `mu` bits. Then
 *
 *     mu' = mu - eta * (surprise of the token among them - tau)
 *
 * @param candidates The tokens; those that were not to be drawn from go.
 * @param options How, and the state.
 * @returns The token, and the state behind it.
 */
export function drawByMirostat(
  candidates: Candidates,
  { version, tau, eta, mu, tokens, ...key }: MirostatOptions,
): MirostatDraw {
  candidates.sort();
  const probabilities = candidates.probabilities();
  const count = version === 1
    ? Math.floor(estimateK(probabilities, mu, tokens))
    : firstAbove(probabilities, mu);
  candidates.slice(0, Math.max(1, count));
  const id = drawId(candidates, key);
  const p = candidates.probabilities()[candidates.ids.indexOf(id)]!;
  return { id, mu: mu - eta * (-Math.log2(p) - tau) };
}

/** The `k` at which a text of Zipf's law has the surprise `mu`, at least 1. */
function estimateK(
  probabilities: Float64Array,
  mu: number,
  tokens: number,
): number {
  let products = 0;
  let squares = 0;
  const last = Math.min(ESTIMATED, probabilities.length) - 1;
  for (let i = 0; i < last && probabilities[i + 1]! > 0; i++) {
    const t = Math.log((i + 2) / (i + 1));
    products += t * Math.log(probabilities[i]! / probabilities[i + 1]!);
    squares += t * t;
  }
  if (squares === 0) return 1;
  const exponent = products / squares;
  const epsilon = exponent - 1;
  // Zipf's sum over all tokens; where the exponent is 1, that of 1 / rank.
  const sum = Math.abs(epsilon) < 1e-9
    ? Math.log(tokens)
    : (1 - tokens ** -epsilon) / epsilon;
  const k = (2 ** mu / sum) ** (1 / exponent);
  // With equal probabilities the exponent is 0, and this may be no number.
  return k < probabilities.length ? k : probabilities.length;
}

/** How many come before the first whose surprise is above `mu`. */
function firstAbove(probabilities: Float64Array, mu: number): number {
  const first = probabilities.findIndex((p) => -Math.log2(p) > mu);
  return first < 0 ? probabilities.length : first;
}
