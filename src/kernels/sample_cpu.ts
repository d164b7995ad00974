import { drawByRace } from "./race.ts";
import { argmax, topIds } from "./top_ids.ts";

/**
 * How a token is chosen, in the numbers that kernels calculate with. Floats are
 * f32, so that CPU and GPU choose the same token.
 */
export interface SampleRule {
  /** Key of the random numbers, u32. */
  readonly seed: number;
  /** Tokens that are left by top-k, 0 is all. */
  readonly topK: number;
  /** Share that is left by top-p, in 2^-32, 0 is all. */
  readonly topP: number;
  /** Least logit that is left by min-p, as what is added to the best one. */
  readonly least: number;
  /** `log2(e) / temperature`, 0 takes the most likely token. */
  readonly scale: number;
  /** How many of the last tokens are penalized, 0 is none. */
  readonly lastN: number;
  /** Factor of the negative logits of those tokens. */
  readonly repeat: number;
  /** Factor of the positive ones. */
  readonly inverseRepeat: number;
  /** What is taken off a logit that stands there so often, `[lastN + 1]`. */
  readonly fines: Float32Array<ArrayBuffer>;
}

/** What is chosen where a logit is not a number. */
export const NOT_A_NUMBER = 0xfffffffe;

/** Most tokens to choose among: sums of weights stay whole numbers. */
export const MAX_CHOICES = 2 ** 19 - 1;

/** Takes the most likely token. */
export const ARGMAX_RULE: SampleRule = {
  seed: 0,
  topK: 0,
  topP: 0,
  least: -1e38,
  scale: 0,
  lastN: 0,
  repeat: 1,
  inverseRepeat: 1,
  fines: new Float32Array(1),
};

/** The error where {@linkcode NOT_A_NUMBER} is chosen. */
export function notANumberError(): Error {
  return new Error(
    "Cannot generate: the model computed NaN or infinity, `doctor` tests the GPU",
  );
}

const { fround } = Math;

/** The scale of a model's own distribution. */
export const LOG2_E: number = fround(Math.LOG2E);

/** What a choice depends on besides the logits and the rule. */
export interface SampleState {
  /** Tokens that were chosen before. */
  step: number;
  /** How often tokens stand among the last ones. Defaults to not at all. */
  counts?: ReadonlyMap<number, number>;
}

/**
 * Chooses a token as `sample.wgsl` does, to the bit.
 *
 * @param logits The logits of all tokens.
 * @param rule How to choose.
 * @param state What went before.
 * @returns Its id, or {@linkcode NOT_A_NUMBER}.
 */
export function sampleOnCpu(
  logits: Float32Array,
  rule: SampleRule,
  { step, counts = new Map() }: SampleState,
): number {
  const penalized = penalize(logits, rule, counts);
  if (penalized.some((logit) => logit !== logit)) return NOT_A_NUMBER;
  const best = argmax(penalized);
  if (rule.scale === 0) return best;
  // Nothing can be drawn where the best logit is infinite.
  if (!Number.isFinite(penalized[best])) return NOT_A_NUMBER;
  return draw(penalized, rule, { best: penalized[best]!, step });
}

/** Takes penalties off the logits of the last tokens, in a copy. */
function penalize(
  logits: Float32Array,
  { repeat, inverseRepeat, fines }: SampleRule,
  counts: ReadonlyMap<number, number>,
): Float32Array {
  if (counts.size === 0) return logits;
  const penalized = logits.slice();
  for (const [id, count] of counts) {
    const logit = logits[id]!;
    const scaled = fround(logit * (logit > 0 ? inverseRepeat : repeat));
    penalized[id] = scaled - fines[count]!;
  }
  return penalized;
}

/** Draws among the tokens that top-k, top-p and min-p leave. */
function draw(
  logits: Float32Array,
  { seed, topK, topP, least, scale }: SampleRule,
  { best, step }: { best: number; step: number },
): number {
  let ids = topK > 0 && topK < logits.length ? topIds(logits, topK) : undefined;
  if (topP > 0) ids = nucleus(logits, { best, topP, among: ids });
  const lowest = fround(best + least);
  const key = { seed, step };
  // All of them take part where nothing is left out.
  if (ids === undefined && lowest <= fround(-1e38)) {
    return drawByRace({ logits, best, scale }, key);
  }
  const left: number[] = [];
  for (const id of ids ?? logits.keys()) {
    if (logits[id]! >= lowest) left.push(id);
  }
  const racers = Float32Array.from(left, (id) => logits[id]!);
  return left[drawByRace({ ids: left, logits: racers, best, scale }, key)]!;
}

/** The fewest best tokens that together have `topP` of the probability. */
function nucleus(
  logits: Float32Array,
  { best, topP, among }: {
    best: number;
    topP: number;
    among: Uint32Array | undefined;
  },
): Uint32Array {
  const weight = (id: number) => weightOf(logits[id]!, best, LOG2_E);
  let total = 0;
  for (const id of among ?? logits.keys()) total += weight(id);
  const wanted = Math.max(1, productHigh(total, [topP, 0]));
  // Sorting all tokens is slow and a few of them mostly do: take ever more.
  for (let count = 64;; count *= 8) {
    const ids = among ?? topIds(logits, count);
    let sum = 0;
    for (let i = 0; i < ids.length; i++) {
      sum += weight(ids[i]!);
      if (sum >= wanted) return ids.subarray(0, i + 1);
    }
  }
}

/** `floor(a * b / 2^64)` of the two words of b, the high one first. */
function productHigh(
  a: number,
  [high, low]: readonly [number, number],
): number {
  const b = BigInt(high) << 32n | BigInt(low);
  return Number(BigInt(a) * b >> 64n);
}

// See weight_of() in sample.wgsl.
const [C1, C2, C3, C4, C5] = [46516304, 16120547, 3718465, 627176, 67400];
const ONE = 2 ** 26;

/**
 * What a token counts for: `2^26 * 2^-d` of `d = (best - logit) * scale`, in
 * whole numbers.
 */
export function weightOf(logit: number, best: number, scale: number): number {
  const d = Math.min(fround(fround(best - logit) * scale), 31);
  const fixed = Math.floor(d * ONE);
  const f = fixed % ONE;
  let p = C4! - Math.floor(C5! * f / ONE);
  p = C3! - Math.floor(p * f / ONE);
  p = C2! - Math.floor(p * f / ONE);
  p = C1! - Math.floor(p * f / ONE);
  p = ONE - Math.floor(p * f / ONE);
  return Math.floor(p / 2 ** Math.floor(fixed / ONE));
}
