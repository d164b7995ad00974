import { type BufferPool, floatBits } from "../gpu/buffers.ts";
import {
  type Binding,
  compileKernel,
  type KernelScope,
} from "../gpu/kernel.ts";
import plainCode from "./activations.wgsl" with { type: "text" };
import broadcastCode from "./activations_broadcast.wgsl" with { type: "text" };
import broadcastNormCode from "./activations_broadcast_norm.wgsl" with {
  type: "text",
};
import int8Code from "./activations_int8.wgsl" with { type: "text" };
import normCode from "./activations_norm.wgsl" with { type: "text" };
import { MAX_STEPS } from "./batch.ts";
import broadcast from "./broadcast.wgsl" with { type: "text" };
import type { Matrix } from "./matrix.ts";
import code from "./matvec.wgsl" with { type: "text" };
import oneCode from "./matvec_one.wgsl" with { type: "text" };
import rowsCode from "./matvec_rows.wgsl" with { type: "text" };
import stepsCode from "./matvec_steps.wgsl" with { type: "text" };
import steps2Code from "./matvec_steps_2.wgsl" with { type: "text" };
import steps4Code from "./matvec_steps_4.wgsl" with { type: "text" };
import steps8Code from "./matvec_steps_8.wgsl" with { type: "text" };
import swigluCode from "./matvec_swiglu.wgsl" with { type: "text" };
import unroll1Code from "./matvec_unroll_1.wgsl" with { type: "text" };
import unroll4Code from "./matvec_unroll_4.wgsl" with { type: "text" };
import { codecCode } from "./quant/codec.ts";
import {
  type MatvecVariant,
  matvecVariants,
  reduction,
  stepVariant,
} from "./variants.ts";

/** RMSNorm of a product's input, folded into the product. */
export interface FoldedNorm {
  /** Length of a row of the input. */
  dim: number;
  /** Added to the mean square. */
  eps: number;
}

/** What the input of a product is made of. */
export interface MatvecInput {
  /** Normalizes an f32 input in passing. Defaults to not at all. */
  norm?: FoldedNorm | undefined;
  /** Whether the input is 8-bit whole numbers. Defaults to `false`. */
  int8?: boolean;
  /**
   * Most rows of the input, which share the reading of the weights and give what
   * each gives alone, to the bit; 1 to {@linkcode MAX_STEPS}. Defaults to 1.
   */
  steps?: number | undefined;
  /** How the work is cut up. Defaults to the first of `matvecVariants()`. */
  variant?: MatvecVariant | undefined;
}

/** How many rows of input a pipeline takes at most, and the code for them. */
const WIDTHS = [
  [1, [oneCode]],
  [2, [stepsCode, steps2Code]],
  [4, [stepsCode, steps4Code]],
  [MAX_STEPS, [stepsCode, steps8Code]],
] as const;

/** A product's pipeline for some rows of input. */
export interface MatvecPipeline {
  /** Most rows of input. */
  columns: number;
  /** The pipeline. */
  pipeline: GPUComputePipeline;
  /** Rows of weights, or pairs of them, that a workgroup takes. */
  rows: number;
  /** The parameters of the norm, where there is one. */
  norm: Binding | undefined;
}

/** What is written: the sums, or gated ones. */
export type MatvecOutput = { accumulate: boolean } | "swiglu";

/**
 * Compiles a product for 1 to `steps` rows of input.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The weights; their format and shape.
 * @param options What the input is made of, and what is written.
 * @returns The pipelines, that for one row first.
 * @throws {RangeError} If `steps` is none.
 */
export function compileMatvec(
  scope: KernelScope,
  w: Matrix,
  { steps = 1, ...options }: MatvecInput & { output: MatvecOutput },
): Promise<MatvecPipeline[]> {
  if (!Number.isInteger(steps) || steps < 1 || steps > MAX_STEPS) {
    throw new RangeError(
      `Cannot create matvec: steps is ${steps}, an integer from 1 to ${MAX_STEPS} is wanted`,
    );
  }
  const widest = WIDTHS.findIndex(([columns]) => columns >= steps);
  const widths = WIDTHS.slice(0, widest + 1);
  return Promise.all(
    widths.map(([columns, columnsCode]) =>
      compileWidth(scope, w, { ...options, columns, columnsCode })
    ),
  );
}

/**
 * The pipeline for so many rows of input.
 *
 * @param pipelines Those of {@linkcode compileMatvec}, or what belongs to them.
 * @param rows How many.
 * @returns The narrowest.
 * @throws {RangeError} If there is none.
 */
export function pipelineFor<T extends { columns: number }>(
  pipelines: readonly T[],
  rows: number,
): T {
  const found = pipelines.find(({ columns }) => columns >= rows);
  if (found !== undefined) return found;
  throw new RangeError(
    `Cannot run matvec on ${rows} rows: at most ${
      pipelines.at(-1)!.columns
    } were asked for`,
  );
}

async function compileWidth(
  { gpu, pool }: KernelScope,
  w: Matrix,
  { columns, columnsCode, variant, output, ...input }: MatvecInput & {
    output: MatvecOutput;
    columns: number;
    columnsCode: readonly string[];
  },
): Promise<MatvecPipeline> {
  const chosen = variant ?? matvecVariants(gpu, w, input)[0]!;
  const { int8 } = input;
  const { name, rows, workgroup, lanes, unroll, subgroups } = stepVariant(
    chosen,
    { columns, int8 },
  );
  const gated = output === "swiglu";
  // A run takes as many gate rows as up rows.
  const PAIRS = Math.max(1, rows / 2);
  const front = activations(pool, { ...input, variant: chosen });
  const several = columns > 1 ? `_steps${columns}` : "";
  const kind = `matvec${gated ? "_swiglu" : ""}${several}`;
  const pipeline = await compileKernel(gpu, {
    label: `${kind}${front.label}.${w.codec.name}.${name}`,
    code: [
      reduction(gpu, subgroups),
      ...codecCode(w.codec),
      front.code,
      gated ? swigluCode : rowsCode,
      ...columnsCode,
      unroll > 1 ? unroll4Code : unroll1Code,
      code,
    ],
    constants: {
      ...(gated ? { PAIRS } : { ACCUMULATE: output.accumulate ? 1 : 0 }),
      WORKGROUP_SIZE: workgroup,
      LANES: lanes,
      ROWS: gated ? 2 * PAIRS : rows,
      UNROLL: unroll,
    },
  });
  const runs = workgroup / lanes;
  const { params: norm } = front;
  return { columns, pipeline, rows: runs * (gated ? PAIRS : rows), norm };
}

/** The code that reads the input, and the parameters of its norm. */
function activations(
  pool: BufferPool,
  { norm, int8 = false, variant }: MatvecInput,
): { label: string; code: string; params: Binding | undefined } {
  if (int8) return { label: "_int8", code: int8Code, params: undefined };
  const round = variant?.broadcast ?? false;
  if (norm === undefined) {
    const code = round ? broadcast + broadcastCode : plainCode;
    return { label: "", code, params: undefined };
  }
  const params = pool.uniform([floatBits(1 / norm.dim), floatBits(norm.eps)]);
  const code = round ? broadcast + broadcastNormCode : normCode;
  return { label: "_norm", code, params };
}
