import { philox2x32 } from "./philox.ts";

// As in race.wgsl, which says why.
const [Q0, Q1, Q2] = [29708346, 18669798, 13197696] as const;
const [Q3, Q4, Q5] = [8821228, 4299862, 1015052] as const;
const [R1, R2, R3] = [48408813, 20170339, 12102203] as const;
const LONGEST = 36 * 2 ** 25;
const LOG2_LN_2 = 17742455;
const FARTHEST = 31;
const ONE = 2 ** 26;
const UNIT = 2 ** 25;

const { fround } = Math;

/** What a race depends on. */
export interface RaceKey {
  /** The generation's seed, u32. */
  seed: number;
  /** Tokens that were chosen before. */
  step: number;
}

/** Tokens that take part in a race. */
export interface Racers {
  /** Their ids; each place is its own id where there are none. */
  ids?: ArrayLike<number> | undefined;
  /** Their logits, f32. */
  logits: ArrayLike<number>;
  /** The highest one. */
  best: number;
  /** `log2(e)` by the temperature, f32. */
  scale: number;
}

/**
 * Draws a token by the probabilities of `exp(logits)`, as `race.wgsl` does, to the
 * bit: in whatever order the tokens are.
 *
 * @param racers The tokens.
 * @param key What random numbers depend on.
 * @returns The place of the one that was drawn.
 */
export function drawByRace(
  { ids, logits, best, scale }: Racers,
  { seed, step }: RaceKey,
): number {
  const [high, low] = philox2x32(seed, [step, 0]);
  let [first, place, winner] = [0, -1, Infinity];
  for (let i = 0; i < logits.length; i++) {
    const d = fround(fround(best - logits[i]!) * scale);
    if (!(d < FARTHEST)) continue;
    const id = ids === undefined ? i : ids[i]!;
    const r = mix(mix(id + low | 0) ^ high) >>> 0;
    const late = Math.floor(d * UNIT);
    if (earliest(r) - late < first) continue;
    const key = earliness(r) - late;
    if (key > first || (key === first && id < winner)) {
      [first, place, winner] = [key, i, id];
    }
  }
  return place;
}

/** `LONGEST - log2(E)` of `E = -ln(1 - x)`, `x = (r + 1/2) / 2^32`, in 2^-25. */
export function earliness(r: number): number {
  if (r < ONE) {
    const x = Math.floor(r / 64);
    const c = multiply26(x, R1 + multiply26(x, R2 + multiply26(x, R3)));
    return LONGEST + 33 * UNIT - log2Of(2 * r + 1) - Math.floor(c / 2);
  }
  const y = 32 * UNIT - log2Of(Math.max(~r >>> 0, 1));
  return LONGEST + 25 * UNIT + LOG2_LN_2 - log2Of(y);
}

/** At least {@linkcode earliness}, found in no time. */
function earliest(r: number): number {
  return r < ONE
    ? LONGEST + (33 - (31 - Math.clz32(2 * r + 1))) * UNIT
    : LONGEST + 7 * UNIT;
}

/** `log2(n)` of an integer from 1 on, in 2^-25. */
function log2Of(n: number): number {
  const e = 31 - Math.clz32(n);
  const f = n * 2 ** (26 - e) % ONE;
  const whole = Math.floor(f);
  let q = Q4 - multiply26(whole, Q5);
  q = Q3 - multiply26(whole, q);
  q = Q2 - multiply26(whole, q);
  q = Q1 - multiply26(whole, q);
  q = Q0 - multiply26(whole, q);
  const g = whole + multiply26(multiply26(whole, ONE - whole), q);
  return e * UNIT + Math.floor(g / 2);
}

function multiply26(a: number, b: number): number {
  return Math.floor(a * b / ONE);
}

function mix(n: number): number {
  let x = n ^ n >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return x ^ x >>> 16;
}
