import { assert, assertEquals } from "@std/assert";
import { fitAffine, searchOf } from "./fit_affine.ts";
import { nearestIntWithin } from "./rounding.ts";

const { abs, fround } = Math;

/** How a test searches. */
interface Shape {
  count: number;
  most: number;
  first: number;
  step: number;
  tries: number;
  absolute?: boolean;
}

const SHAPES: Record<string, Shape> = {
  "Q2_K": {
    count: 16,
    most: 3,
    first: -0.5,
    step: 0.1,
    tries: 15,
    absolute: true,
  },
  "Q4_K": { count: 32, most: 15, first: -1, step: 0.1, tries: 20 },
  "Q5_K": { count: 32, most: 31, first: -0.5, step: 0.1, tries: 15 },
  "Q2_K by importance": {
    count: 16,
    most: 3,
    first: -0.9,
    step: 0.05,
    tries: 36,
  },
  "Q5_1 by importance": {
    count: 32,
    most: 31,
    first: -0.9,
    step: 0.05,
    tries: 36,
  },
};

/** The search as it is defined: every try whole, every step in 32 bits. */
function plainFit(
  { count, most, first, step, tries, absolute = false }: Shape,
  x: Float32Array,
  importance: Float64Array,
): { scale: number; min: number; levels: number[] } {
  const sum = (term: (i: number) => number) => {
    let total = term(0);
    for (let i = 1; i < count; i++) total = fround(total + term(i));
    return total;
  };
  const w = (i: number) => importance[i]!;
  let min = Math.min(0, ...x);
  const max = Math.max(...x);
  const round = (inverse: number) =>
    Array.from(
      x,
      (value) =>
        nearestIntWithin(fround(inverse * fround(value - min)), 0, most),
    );
  const errorOf = (levels: number[], scale: number, least: number) =>
    fround(sum((i) => {
      const point = fround(fround(scale * levels[i]!) + least);
      const off = fround(point - x[i]!);
      return fround(w(i) * (absolute ? abs(off) : fround(off * off)));
    }));
  const inverse = fround(most / fround(max - min));
  let levels = round(inverse);
  let scale = fround(1 / inverse);
  let best = errorOf(levels, scale, min);
  const sumW = sum(w);
  const sumX = sum((i) => fround(w(i) * x[i]!));
  for (let k = 0; k <= tries; k++) {
    const top = fround(fround(fround(first) + fround(fround(step) * k)) + most);
    const trial = round(fround(top / fround(max - min)));
    const wl = (i: number) => fround(w(i) * trial[i]!);
    const sumL = sum(wl);
    const sumL2 = sum((i) => fround(wl(i) * trial[i]!));
    const sumXl = sum((i) => fround(wl(i) * x[i]!));
    const d = fround(fround(sumW * sumL2) - fround(sumL * sumL));
    if (!(d > 0)) continue;
    const ratio = (a: number, b: number, c: number, e: number) =>
      fround(fround(fround(a * b) - fround(c * e)) / d);
    let tryScale = ratio(sumW, sumXl, sumX, sumL);
    let tryMin = ratio(sumL2, sumX, sumL, sumXl);
    if (tryMin > 0) [tryMin, tryScale] = [0, fround(sumXl / sumL2)];
    const error = errorOf(trial, tryScale, tryMin);
    if (error < best) {
      [best, scale, min, levels] = [error, tryScale, tryMin, trial];
    }
  }
  return { scale, min: -min, levels };
}

/** Numbers from 0 to 1 without a pattern. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

for (const [name, shape] of Object.entries(SHAPES)) {
  Deno.test(`fitAffine() finds what a search without short cuts finds for ${name}`, () => {
    const next = random(shape.count + shape.tries + shape.most);
    const noise = () => next() + next() + next() - 1.5;
    const importance = new Float64Array(shape.count);
    const levels = new Uint8Array(shape.count);
    const fit = searchOf({ ...shape, importance, levels });
    let others = 0;
    for (let round = 0; round < 1500; round++) {
      // On a grid or not, near 0 or far from it, of many sizes.
      const scale = 10 ** (12 * next() - 8);
      const offset = next() < 0.5 ? 0 : 10 ** (4 * next() - 2);
      const grid = next() < 0.5 ? 0 : 1 + Math.floor(20 * next());
      const blur = 10 ** (-8 * next());
      const spread = 6 * next();
      const x = Float32Array.from({ length: shape.count }, () => {
        const base = grid ? Math.round(grid * next()) / grid : noise();
        return scale * (base + blur * noise() - offset);
      });
      for (let i = 0; i < shape.count; i++) {
        importance[i] = next() < 0.1 ? 0 : fround(Math.exp(spread * noise()));
      }
      const found = fitAffine(fit, x, 0, 0);
      const wanted = plainFit(shape, x, importance);
      assertEquals(
        { scale: found, min: fit.min, levels: [...levels] },
        wanted,
        `round ${round}`,
      );
      if (
        wanted.scale !== fround(
          1 / fround(
            shape.most / fround(
              Math.max(...x) - Math.min(0, ...x),
            ),
          ),
        )
      ) others++;
    }
    assert(others > 1000); // most searches get somewhere
  });
}
