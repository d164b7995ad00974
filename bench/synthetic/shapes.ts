import { NO_SCALING } from "../../src/kernels/rope_scaling.ts";
import type { LlamaConfig } from "../../src/model/config.ts";

/** A model's hyperparameters, and whether its head is the embedding. */
export interface SyntheticShape extends LlamaConfig {
  /** Whether the head is the embedding. */
  readonly tied: boolean;
}

const LLAMA: Omit<SyntheticShape, "dim" | "hiddenDim" | "layers" | "heads"> = {
  kvHeads: 32,
  headDim: 128,
  vocabularySize: 32000,
  // More than they were trained on: random weights know no positions.
  contextLength: 8192,
  normEps: 1e-6,
  ropeDims: 128,
  ropeBase: 10000,
  ropeScaling: NO_SCALING,
  slidingWindow: Infinity,
  tied: false,
};

const LLAMA_13B: SyntheticShape = {
  ...LLAMA,
  dim: 5120,
  hiddenDim: 13824,
  layers: 40,
  heads: 40,
  kvHeads: 40,
};

const TINY: SyntheticShape = {
  ...LLAMA,
  dim: 256,
  hiddenDim: 768,
  layers: 4,
  heads: 4,
  kvHeads: 4,
  headDim: 64,
  ropeDims: 64,
  vocabularySize: 32002,
  tied: true,
};

/** The shapes that have names. */
export const SHAPES: Readonly<Record<string, SyntheticShape>> = {
  llama13b: LLAMA_13B,
  llama7b: { ...LLAMA, dim: 4096, hiddenDim: 11008, layers: 32, heads: 32 },
  tinyllama: {
    ...LLAMA,
    dim: 2048,
    hiddenDim: 5632,
    layers: 22,
    heads: 32,
    kvHeads: 4,
    headDim: 64,
    ropeDims: 64,
  },
  archangel: { ...LLAMA_13B, vocabularySize: 32002 },
  "tiny-archangel": TINY,
  // The graph of llama13b on layers that cost nothing.
  narrow13b: {
    ...TINY,
    dim: 64,
    hiddenDim: 64,
    layers: 40,
    heads: 1,
    kvHeads: 1,
    vocabularySize: 512,
    tied: false,
  },
};

/** What of a shape can be given by itself. */
export type ShapeOverrides = {
  [Name in keyof SyntheticShape]?: SyntheticShape[Name] | undefined;
};

/**
 * A named shape, with some of its sizes changed.
 *
 * @param name Its name.
 * @param overrides What is to be otherwise. A head's size follows from `dim`
 * and `heads` where it is not given and they are.
 * @returns The shape.
 * @throws {RangeError} If there is none of that name, or the sizes do not go
 * together.
 */
export function findShape(
  name: string,
  overrides: ShapeOverrides = {},
): SyntheticShape {
  const named = SHAPES[name];
  if (named === undefined) {
    throw new RangeError(
      `Cannot make a model: there is no shape "${name}", one of ${
        Object.keys(SHAPES).join(", ")
      } is wanted`,
    );
  }
  const given = Object.fromEntries(
    Object.entries(overrides).filter(([, value]) => value !== undefined),
  );
  const { heads, dim } = { ...named, ...given };
  const changed = given.dim !== undefined || given.heads !== undefined;
  const headDim = overrides.headDim ?? (changed ? dim / heads : named.headDim);
  const kvHeads = overrides.kvHeads ??
    (overrides.heads === undefined ? named.kvHeads : heads);
  const shape = { ...named, ...given, headDim, kvHeads, ropeDims: headDim };
  check(shape);
  return shape;
}

function check(shape: SyntheticShape): void {
  const { dim, hiddenDim, layers, heads, kvHeads, headDim } = shape;
  const { vocabularySize, contextLength } = shape;
  const sizes = { dim, hiddenDim, layers, heads, kvHeads, headDim };
  const all = { ...sizes, vocabularySize, contextLength };
  for (const [name, value] of Object.entries(all)) {
    // Three tokens are special, and a head is rotated by pairs.
    const least = name === "vocabularySize" ? 4 : name === "headDim" ? 2 : 1;
    if (Number.isInteger(value) && value >= least && value <= 2 ** 24) continue;
    throw new RangeError(
      `Cannot make a model: ${name} is ${value}, an integer from ${least} is wanted`,
    );
  }
  if (heads % kvHeads !== 0) {
    throw new RangeError(
      `Cannot make a model: there are ${heads} heads, a multiple of the ${kvHeads} of keys is wanted`,
    );
  }
  if (headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot make a model: headDim is ${headDim}, an even number is wanted`,
    );
  }
}
