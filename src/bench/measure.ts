import type { RowKind } from "../kernels/batch.ts";
import type { Activations } from "../kernels/choices.ts";
import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel, KernelScope } from "../gpu/kernel.ts";
import { createMatrix, type Matrix, matrixBytes } from "../kernels/matrix.ts";
import { matmul } from "../kernels/oracle.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import { formatShape, type KernelShape } from "./cases.ts";
import { findError } from "./check.ts";
import { createInput, type ProductInput } from "./input.ts";
import { listProducts, type Product, type VariantChoice } from "./products.ts";
import { sample, type SampleOptions, type Samples } from "./sample.ts";
import type { Timer } from "./timer.ts";
import { createRandomRows, fillMatrix, RANDOM_ROWS } from "./weights.ts";

/** Options for {@linkcode measureShape}. */
export interface MeasureShapeOptions extends SampleOptions {
  /** The format of the weights. */
  codec: Codec;
  /** Their shape. */
  shape: KernelShape;
  /** Columns of the input, each measured. */
  columns: readonly number[];
  /** Which kernels for each product. */
  variants: VariantChoice;
  /** Bytes that the sets of weights come to at least. */
  coldBytes: number;
  /** Takes the time. */
  timer: Timer;
}

/** A measured product. */
export interface Measured extends Samples {
  /** Columns of the input. */
  columns: number;
  /** How they are added up. */
  kind: RowKind;
  /** Which kernel. */
  variant: string;
  /** What it multiplies the weights with. */
  activations: Activations;
  /** Sets of weights. */
  sets: number;
  /** Bytes of one set on the GPU. */
  gpuBytes: number;
  /** Normalised mean squared error. */
  error: number;
}

/** A product that is not to be trusted, or had no room. */
export class MeasureError extends Error {
  /** Its name among errors. */
  override readonly name = "MeasureError";
}

/** Errors above these are wrong results, not rounding. */
const LARGEST_ERROR: Record<Activations, number> = { f32: 1e-7, int8: 5e-4 };
/** Fewer sets would have a dispatch wait for the one before. */
const LEAST_SETS = 2;
/** More sets than this of tiny matrices would take longer to make than to read. */
const MOST_SETS = 256;
/** Outputs that take more than this together are shared by sets. */
const OUTPUT_BYTES = 2 ** 26;

/** The weights of a shape, as often as makes a cache of no use. */
interface Sets {
  /** What the random rows stand for, `[RANDOM_ROWS, cols]`. */
  weights: Float32Array;
  matrices: readonly Matrix[];
  gpuBytes: number;
}

/** What all products of some columns share. */
interface Buffers {
  input: ProductInput;
  /** Outputs, `[columns, rows]`. */
  ys: readonly GPUBuffer[];
  /** Where their last column begins, in bytes. */
  lastOffset: number;
  /** The last column, for each of the random rows. */
  expected: ArrayLike<number>;
}

/**
 * Measures the products of one format and shape; frees all memory behind it.
 *
 * @param gpu The device.
 * @param options What to measure, and how.
 * @returns An iterator of measurements, and of problems that spoil only one.
 * @throws {Error} If the device is lost, or `signal` aborts.
 */
export async function* measureShape(
  gpu: Gpu,
  options: MeasureShapeOptions,
): AsyncGenerator<Measured | MeasureError, void, void> {
  const { codec, shape, variants } = options;
  using pool = new BufferPool(gpu.device);
  let what = `${codec.name} ${formatShape(shape)}`;
  try {
    const sets = await createSets({ gpu, pool }, options);
    for (const columns of options.columns) {
      what = `${codec.name} ${formatShape(shape)}, columns ${columns}`;
      using scratch = new BufferPool(gpu.device);
      const scope = { gpu, pool: scratch };
      const buffers = await createBuffers(scope, sets, { shape, columns });
      const { matrices } = sets;
      const list = { columns, variants, matrices };
      for (const product of await listProducts(gpu, list)) {
        yield await measureProduct(scope, sets, {
          ...options,
          product,
          buffers,
        }).catch((cause) => {
          const { kind, activations, variant } = product;
          const where = `${what}, ${kind}, ${activations}, ${variant}`;
          return problem(gpu, options, where, cause);
        });
      }
    }
  } catch (cause) {
    yield problem(gpu, options, what, cause);
  }
}

/** What spoils one measurement; throws what spoils all that follow. */
function problem(
  { health }: Gpu,
  { signal }: MeasureShapeOptions,
  what: string,
  cause: unknown,
): MeasureError {
  signal?.throwIfAborted();
  if (health.problem !== undefined) {
    throw new Error(`Cannot go on measuring: ${health.problem}`, { cause });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new MeasureError(`${what}: ${message}`, { cause });
}

async function createSets(
  { gpu, pool }: KernelScope,
  { codec, shape: { inputs, outputs }, coldBytes }: MeasureShapeOptions,
): Promise<Sets> {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const options = {
    label: `bench.${codec.name}`,
    rows: outputs,
    cols: inputs,
    codec,
    maxBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
  };
  const gpuBytes = matrixBytes(options);
  const cold = Math.ceil(coldBytes / gpuBytes);
  const count = Math.min(MOST_SETS, Math.max(LEAST_SETS, cold));
  const rows = await createRandomRows({ gpu, pool }, codec, { cols: inputs });
  const matrices = Array.from(
    { length: count },
    () => createMatrix(pool, options),
  );
  await pool.check(`${count} sets of weights`);
  for (const matrix of matrices) fillMatrix(gpu.device, rows, matrix);
  const weights = codec.dequantize(rows.bytes);
  return { weights, matrices, gpuBytes };
}

async function createBuffers(
  { gpu, pool }: KernelScope,
  { matrices, weights }: Sets,
  { shape: { inputs, outputs }, columns }: {
    shape: KernelShape;
    columns: number;
  },
): Promise<Buffers> {
  const input = await createInput({ gpu, pool }, { columns, cols: inputs });
  const size = 4 * columns * outputs;
  const fit = Math.max(LEAST_SETS, Math.floor(OUTPUT_BYTES / size));
  const ys = Array.from(
    { length: Math.min(matrices.length, fit) },
    () => pool.create({ label: "bench.y", size }),
  );
  await pool.check("the output");
  clear(gpu, ys);
  return {
    input,
    ys,
    lastOffset: size - 4 * outputs,
    expected: matmul(weights, input.last, { rows: RANDOM_ROWS, cols: inputs }),
  };
}

async function measureProduct(
  scope: KernelScope,
  { matrices, gpuBytes }: Sets,
  { timer, product, buffers, ...options }: SampleOptions & {
    timer: Timer;
    product: Product;
    buffers: Buffers;
  },
): Promise<Measured> {
  const { gpu, pool } = scope;
  const { input, ys, lastOffset, expected } = buffers;
  const { kind, activations, variant } = product;
  const kernels: BoundKernel[] = [];
  for (const [i, w] of matrices.entries()) {
    const y = ys[i % ys.length]!;
    kernels.push(await product.create(scope, w, { input, y }));
  }
  await pool.check("parameters");
  const error = await findError(gpu, kernels[0]!, {
    matrix: matrices[0]!,
    y: ys[0]!,
    offset: lastOffset,
    expected,
  });
  if (!(error <= LARGEST_ERROR[activations])) {
    throw new Error(
      `the normalised mean squared error is ${error}, at most ${
        LARGEST_ERROR[activations]
      } is right`,
    );
  }
  let next = 0;
  const samples = await sample(timer, (pass, count) => {
    for (let i = 0; i < count; i++) {
      kernels[next]!(pass);
      next = (next + 1) % kernels.length;
    }
  }, options);
  if (gpu.health.problem !== undefined) throw new Error(gpu.health.problem);
  return {
    ...samples,
    columns: input.columns,
    kind,
    variant,
    activations,
    sets: matrices.length,
    gpuBytes,
    error,
  };
}

/** A buffer's first use would take the time of zeroing it. */
function clear({ device }: Gpu, buffers: readonly GPUBuffer[]): void {
  const encoder = device.createCommandEncoder({ label: "clear" });
  for (const buffer of buffers) encoder.clearBuffer(buffer);
  device.queue.submit([encoder.finish()]);
}
