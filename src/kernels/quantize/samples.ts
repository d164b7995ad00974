/** Weights to try a quantizer on, and what they are. */
export interface Sample {
  /** What they are like. */
  readonly name: string;
  /** Whole blocks of 256. */
  readonly weights: Float32Array<ArrayBuffer>;
}

const { fround } = Math;

const BLOCK = 256;

/**
 * Makes weights that are easily packed wrong: usual ones, and such as come near
 * ties, signs of zeros and the ends of the range.
 *
 * @param seed Seed of what is random.
 * @param blocks Blocks of 256 of each kind.
 * @returns The kinds.
 */
export function quantizeSamples(seed: number, blocks: number): Sample[] {
  const random = uniforms(seed);
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const sign = () => random() < 0.5 ? -1 : 1;
  const sample = (name: string, weight: (i: number) => number): Sample => ({
    name,
    weights: Float32Array.from({ length: blocks * BLOCK }, (_, i) => weight(i)),
  });
  let scale = 1;
  return [
    sample("normal", () => 0.02 * normal()),
    sample("heavy tails", () => 0.01 * normal() / (random() + 1e-3)),
    sample("large and small blocks", (i) => {
      if (i % 16 === 0) scale = 2 ** (16 * random() - 14);
      return scale * normal();
    }),
    sample("zeros", () => 0),
    sample("zeros of both signs", () => 0 * sign()),
    sample("equal", (i) => 0.1 * (1 + Math.floor(i / 64))),
    sample("equal, below 0", (i) => -0.1 * (1 + Math.floor(i / 64))),
    sample("of one size", () => 0.05 * sign()),
    sample("above 0", () => 0.01 + Math.abs(normal())),
    sample("below 0", () => -0.01 - Math.abs(normal())),
    sample("one in each block", (i) => i % 32 === 7 ? normal() : 0),
    sample("one in some blocks", (i) => i % 96 === 70 ? normal() : 0 * sign()),
    sample("levels and halves", () => Math.round(32 * random() - 16) / 16),
    // All fit but the largest, by one of the scales that are tried in Q6_K.
    sample("fitting but one", (i) => {
      if (i % 16 === 0) scale = 31 + 0.1 * Math.floor(1 + 19 * random());
      return i % 16 === 0 ? sign() : Math.round(60 * random() - 30) / scale;
    }),
    sample("few values", () => [0, 0.25, -0.5, 1][Math.floor(4 * random())]!),
    sample("dust among weights", (i) => normal() * 10 ** (-2 * (i % 5))),
  ];
}

/** Weights whose blocks a kernel may leave to the CPU, for {@linkcode Sample}s. */
export function extremeSamples(seed: number, blocks: number): Sample[] {
  const random = uniforms(seed);
  const sample = (name: string, weight: (i: number) => number): Sample => ({
    name,
    weights: Float32Array.from({ length: blocks * BLOCK }, (_, i) => weight(i)),
  });
  const size = () => random() - 0.5;
  return [
    sample("subnormal", () => size() * 2 ** -130),
    sample("tiny", () => size() * 2 ** -70),
    sample("small", () => size() * 2 ** -22),
    sample("of all sizes", () => size() * 2 ** (-140 * random())),
    sample("subnormal among weights", (i) => i % 9 ? size() : 2 ** -135),
    sample(
      "subnormal blocks",
      (i) => i % 64 < 32 ? size() : 2 ** -130 * size(),
    ),
    sample("small levels", (i) => fround(i % 16 * 2 ** -19 / 15)),
    sample("huge", () => size() * 2 ** 15),
    sample("near the largest scale", () => size() * 2 ** 19),
  ];
}

/** Numbers from 0 to 1, without 1. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
