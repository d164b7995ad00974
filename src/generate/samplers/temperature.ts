import { type Candidates, entropyOf } from "./candidates.ts";

const { fround } = Math;

/** Options for {@linkcode applyTemperature}. */
export interface TemperatureOptions {
  /** Divides the logits; 0 rules out all but the best token. */
  temperature: number;
  /** How far the temperature may go from there; 0 leaves it. */
  range: number;
  /** Exponent of the entropy that it follows. */
  exponent: number;
}

/**
 * Divides the logits by a temperature. A dynamic one follows the entropy of the
 * candidates: what the model is sure of gets a low one (llama.cpp's "entropy"
 * dynamic temperature, by kalomaze):
 *
 *     lowest = max(0, temperature - range), highest = temperature + range
 *     lowest + (highest - lowest) * (entropy / log(size)) ^ exponent
 *
 * @param candidates The tokens, changed in place.
 * @param options The temperature.
 */
export function applyTemperature(
  candidates: Candidates,
  { temperature, range, exponent }: TemperatureOptions,
): void {
  const { size } = candidates;
  if (range <= 0) {
    divide(candidates, temperature);
  } else if (size > 1) {
    const lowest = Math.max(0, temperature - range);
    const highest = temperature + range;
    const entropy = entropyOf(candidates.probabilities());
    const share = Math.min(1, entropy / Math.log(size));
    divide(candidates, lowest + (highest - lowest) * share ** exponent);
  }
}

function divide(candidates: Candidates, temperature: number): void {
  const { logits } = candidates;
  const best = candidates.bestPlace();
  // So low that f32 has no room for what comes of it: as good as 0.
  const isGreedy = temperature === 0 ||
    !Number.isFinite(fround(logits[best]! / temperature));
  for (let i = 0; i < logits.length; i++) {
    if (!isGreedy) logits[i]! /= temperature;
    else if (i !== best) logits[i] = -Infinity;
  }
  candidates.isSorted = false; // what was greater may be equal now
}
