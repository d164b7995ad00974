import type { Binding, KernelScope } from "../gpu/kernel.ts";
import type { BatchKernel, RowsKernel } from "../kernels/batch.ts";
import type { ProductChoices } from "../kernels/choices.ts";
import { createMatmul } from "../kernels/matmul.ts";
import { type Matrix, strideOf } from "../kernels/matrix.ts";
import { createMatvec, createMatvecSwiglu } from "../kernels/matvec.ts";
import { createQuantize, type Int8Activations } from "../kernels/quantize.ts";
import { createSwiglu } from "../kernels/swiglu.ts";

/** What linear layers are made with. */
export interface LinearScope extends KernelScope {
  /** The variant of each product. */
  readonly choices: ProductChoices;
  /**
   * Where activations are rounded to 8 bits before they meet weights of whole
   * numbers; `undefined` where they stay f32.
   */
  readonly int8: Int8Activations | undefined;
  /** Most rows of the kind `"step"`, see `batch.ts`. Defaults to 1. */
  readonly steps?: number | undefined;
}

/** RMSNorm before a linear layer. */
export interface LinearNorm {
  /** Length of a row. */
  dim: number;
  /** Added to the mean square. */
  eps: number;
  /** Scale, `[stride]` f32. */
  weight: GPUBuffer;
  /** Where normalized rows go; steps in f32 are normalized in passing. */
  normed: GPUBuffer;
  /** `x -> normed`. */
  kernel: BatchKernel;
}

/** Buffers and options of a linear layer. */
export interface LinearOptions {
  /** Input, `[batch, stride]` f32. */
  x: GPUBuffer;
  /** Normalizes the input. */
  norm?: LinearNorm;
  /** Output, `[batch, yStride]` f32. */
  y: GPUBuffer;
  /** Floats from one row of the output to the next. */
  yStride: number;
  /** Whether the product is added to the output. Defaults to `false`. */
  accumulate?: boolean;
  /** The batch; see `batch.ts`. */
  batch: GPUBufferBinding;
}

/** A product's input, ready for its kernels. */
interface LinearInput {
  /** Makes the input of a batch ready, in this order. */
  kernels: BatchKernel[];
  /** The same for steps. */
  stepKernels: BatchKernel[];
  /** What the products read. */
  buffers: { x: Binding; xScales?: Binding };
  /** Whether that is whole numbers. */
  int8: boolean;
}

/**
 * Binds a stack of matrices, one below the other, to their input and output.
 *
 * @param scope The device, and how products are run.
 * @param stack The matrices, of equal columns.
 * @param options The buffers.
 * @returns The layer: for each kind of rows it runs different kernels.
 */
export async function bindLinear(
  scope: LinearScope,
  stack: readonly Matrix[],
  options: LinearOptions,
): Promise<RowsKernel> {
  const { norm, y, yStride, accumulate = false, batch } = options;
  const { choices, steps } = scope;
  const input = await prepare(scope, stack, options);
  const { int8 } = input;
  const kernels = {
    step: [...input.stepKernels],
    prompt: [...input.kernels],
  };
  let offset = 0;
  for (const w of stack) {
    const output = { yStride, accumulate, offset };
    const matvec = await createMatvec(scope, w, {
      ...output,
      int8,
      norm: int8 ? undefined : norm,
      steps,
      variant: choices.matvec(w, { int8 }),
    });
    kernels.step.push(matvec.bind({ ...inputOf(input, options), y, batch }));
    const matmul = await createMatmul(scope, w, {
      ...output,
      int8,
      variant: choices.matmul(w, { int8 }),
    });
    kernels.prompt.push(matmul.bind({ ...input.buffers, y, batch }));
    offset += w.rows;
  }
  return (pass, rows, kind) => {
    for (const kernel of kernels[kind]) kernel(pass, rows);
  };
}

/** Buffers and options of a gated layer. */
export interface GateUpOptions {
  /** Input, `[batch, stride]` f32. */
  x: GPUBuffer;
  /** Normalizes the input. */
  norm: LinearNorm;
  /** Gate, then up, `[batch, 2 * hiddenDim]` f32. */
  gateUp: GPUBuffer;
  /** Output, `[batch, stride]` f32. */
  hidden: GPUBuffer;
  /** Rows of gate, and of up. */
  hiddenDim: number;
  /** The batch; see `batch.ts`. */
  batch: GPUBufferBinding;
}

/**
 * Binds gate and up with their activation: one kernel for steps where it can be.
 *
 * @param scope The device, and how products are run.
 * @param stack Gate and up, one below the other.
 * @param options The buffers.
 * @returns The layer.
 */
export async function bindGateUp(
  scope: LinearScope,
  stack: readonly Matrix[],
  { x, norm, gateUp, hidden, hiddenDim, batch }: GateUpOptions,
): Promise<RowsKernel> {
  const options = { x, norm, y: gateUp, yStride: 2 * hiddenDim, batch };
  const linear = await bindLinear(scope, stack, options);
  const yStride = strideOf(hiddenDim);
  const swiglu = (await createSwiglu(scope, {
    dim: hiddenDim,
    xStride: 2 * hiddenDim,
    yStride,
  })).bind({ x: gateUp, y: hidden, batch });
  const fused = await bindFused();
  return (pass, rows, kind) => {
    if (kind === "step" && fused !== undefined) {
      for (const kernel of fused) kernel(pass, rows);
      return;
    }
    linear(pass, rows, kind);
    swiglu(pass, rows);
  };

  async function bindFused(): Promise<BatchKernel[] | undefined> {
    const [w, ...rest] = stack;
    if (w === undefined || rest.length > 0 || w.parts.length > 1) return;
    const input = await prepare(scope, stack, options);
    const { int8 } = input;
    const kernel = await createMatvecSwiglu(scope, w, {
      yStride,
      int8,
      norm: int8 ? undefined : norm,
      steps: scope.steps,
      variant: scope.choices.matvec(w, { int8 }),
    });
    const y = hidden;
    const bound = kernel.bind({ ...inputOf(input, options), y, batch });
    return [...input.stepKernels, bound];
  }
}

/** Finds out what the products read, and what makes it. */
async function prepare(
  scope: LinearScope,
  stack: readonly Matrix[],
  { x, norm, batch }: LinearOptions,
): Promise<LinearInput> {
  const normed = norm?.normed ?? x;
  const front = norm === undefined ? [] : [norm.kernel];
  const whole = stack.every(({ codec }) => codec.quantized);
  if (scope.int8 === undefined || !whole) {
    return {
      kernels: front,
      stepKernels: [],
      buffers: { x: normed },
      int8: false,
    };
  }
  const { quants, scales } = scope.int8;
  const dim = stack[0]!.cols;
  const quantize = (await createQuantize(scope, { dim }))
    .bind({ x: normed, quants, scales, batch });
  const kernels = [...front, quantize];
  const buffers = { x: quants, xScales: scales };
  return { kernels, stepKernels: kernels, buffers, int8: true };
}

/** What the kernel for steps reads: f32 is normalized in passing. */
function inputOf(
  { int8, buffers }: LinearInput,
  { x, norm }: Pick<LinearOptions, "x" | "norm">,
) {
  if (int8) return buffers;
  return norm === undefined ? { x } : { x, normWeight: norm.weight };
}
