/**
 * The plain TypeScript reference: every operation of the kernels written from
 * its definition, in f64 and on plain arrays, for their tests, the self-test and
 * the tests of whole models. Weights are decoded by `Codec.dequantize()`.
 *
 * @module
 */

/** `x w^T`: `w` is `[rows, cols]`, `x` `[batch, cols]`, the result `[batch, rows]`. */
export function matmul(
  w: ArrayLike<number>,
  x: ArrayLike<number>,
  { rows, cols }: { rows: number; cols: number },
): Float64Array {
  const batch = x.length / cols;
  const y = new Float64Array(batch * rows);
  for (let m = 0; m < batch; m++) {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let c = 0; c < cols; c++) sum += w[r * cols + c]! * x[m * cols + c]!;
      y[m * rows + r] = sum;
    }
  }
  return y;
}

/**
 * What `quantize.wgsl` makes of activations, as numbers again: each 32
 * of a row share a scale, which makes the largest of them 127.
 */
export function roundToInt8(
  x: ArrayLike<number>,
  { cols }: { cols: number },
): Float64Array {
  const rounded = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += cols) {
    for (let first = row; first < row + cols; first += 32) {
      const end = Math.min(first + 32, row + cols);
      let largest = 0;
      for (let i = first; i < end; i++) {
        largest = Math.max(largest, Math.abs(x[i]!));
      }
      if (largest === 0) continue;
      const scale = largest / 127;
      for (let i = first; i < end; i++) {
        rounded[i] = scale * Math.round(x[i]! / scale);
      }
    }
  }
  return rounded;
}

/** `x * weight / sqrt(mean(x^2) + eps)` of each row: `x` is `[batch, dim]`. */
export function rmsNorm(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  eps: number,
): Float64Array {
  const dim = weight.length;
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += dim) {
    let squares = 0;
    for (let i = 0; i < dim; i++) squares += x[row + i]! ** 2;
    const scale = 1 / Math.sqrt(squares / dim + eps);
    for (let i = 0; i < dim; i++) y[row + i] = x[row + i]! * scale * weight[i]!;
  }
  return y;
}

/** `silu(gate) * up`, element by element. */
export function swiglu(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(
    { length: gate.length },
    (_, i) => gate[i]! / (1 + Math.exp(-gate[i]!)) * up[i]!,
  );
}

/** What {@linkcode rope} rotates by. */
export interface RopeAngles {
  /** Position in the sequence. */
  position: number;
  /** Dimensions that are rotated, from the first. */
  dims: number;
  /** Base of the frequencies. */
  base: number;
  /** Positions are divided by this. Defaults to 1. */
  factor?: number;
  /** Divisors of each frequency, `[dims / 2]`. Default to 1. */
  frequencyFactors?: ArrayLike<number>;
  /** Multiplies what is rotated. Defaults to 1. */
  magnitude?: number;
}

/** Rotates one head in pairs of neighbours. */
export function rope(x: ArrayLike<number>, angles: RopeAngles): Float64Array {
  const { position, dims, base, factor = 1, frequencyFactors } = angles;
  const { magnitude = 1 } = angles;
  const y = Float64Array.from(x);
  for (let d = 0; d < dims; d += 2) {
    const frequency = Math.pow(base, -d / dims);
    const divisor = factor * (frequencyFactors?.[d / 2] ?? 1);
    const angle = position * frequency / divisor;
    const cos = magnitude * Math.cos(angle);
    const sin = magnitude * Math.sin(angle);
    y[d] = x[d]! * cos - x[d + 1]! * sin;
    y[d + 1] = x[d]! * sin + x[d + 1]! * cos;
  }
  return y;
}

/** Shape of {@linkcode attention}. */
export interface AttentionShape {
  /** Query heads, a multiple of `kvHeads`. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Head size. */
  headDim: number;
  /** Keys there are for the query, from the first. */
  keys: number;
  /** How many of them it sees, the last ones. Defaults to all. */
  window?: number;
}

/**
 * `softmax(q k^T / sqrt(headDim)) v` for one query: `q` is `[heads, headDim]`,
 * `k` and `v` are `[keys.., kvHeads, headDim]`, the result `[heads, headDim]`.
 */
export function attention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  { heads, kvHeads, headDim, keys, window = keys }: AttentionShape,
): Float64Array {
  const first = Math.max(0, keys - window);
  const y = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor(head * kvHeads / heads);
    const at = (key: number, d: number) =>
      (key * kvHeads + kvHead) * headDim + d;
    const scores = new Float64Array(keys - first);
    for (let key = first; key < keys; key++) {
      let dot = 0;
      for (let d = 0; d < headDim; d++) {
        dot += q[head * headDim + d]! * k[at(key, d)]!;
      }
      scores[key - first] = dot / Math.sqrt(headDim);
    }
    const weights = softmax(scores);
    for (let key = first; key < keys; key++) {
      for (let d = 0; d < headDim; d++) {
        y[head * headDim + d]! += weights[key - first]! * v[at(key, d)]!;
      }
    }
  }
  return y;
}

/** `exp(x) / sum(exp(x))`. */
export function softmax(x: ArrayLike<number>): Float64Array {
  let max = -Infinity;
  for (let i = 0; i < x.length; i++) max = Math.max(max, x[i]!);
  const e = Float64Array.from(x, (value) => Math.exp(value - max));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
}
