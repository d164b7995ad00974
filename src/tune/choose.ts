import type { Gpu } from "../gpu/gpu.ts";
import type { ProductChoices } from "../kernels/choices.ts";
import type { Matrix } from "../kernels/matrix.ts";
import type { MatmulVariant, MatvecVariant } from "../kernels/variants.ts";
import { checkVariant, type KernelCheck } from "../kernels/verify/variants.ts";
import {
  deviceName,
  readTuning,
  type Tuning,
  tuningPath,
  writeTuning,
} from "./cache.ts";
import {
  type Product,
  productKey,
  type ProductVariant,
  variantsOf,
} from "./candidates.ts";
import { fastest } from "./measure.ts";
import type { TuneMode } from "./mode.ts";
import { type KernelChoice, wrongKernels } from "./report.ts";
import { createTimer } from "./time.ts";

/** Options for {@linkcode chooseProducts}. */
export interface ChooseOptions {
  /** Whether to measure. */
  tune: TuneMode;
  /** Whether weights of whole numbers meet int8. */
  int8: boolean;
  /**
   * Milliseconds after which no further product is measured, unless it is forced.
   * Defaults to 4000, or 1500 on a software adapter.
   */
  budgetMs?: number | undefined;
  /** Stops measuring. */
  signal?: AbortSignal | undefined;
}

/** The choices for a model, and what there is to say about them. */
export interface Choices extends ProductChoices {
  /** One entry a product, in the order of the matrices. */
  readonly report: readonly KernelChoice[];
}

const BUDGET_MS = { software: 1500, hardware: 4000 } as const;

/**
 * Chooses a variant for each product of a model: the fastest that is known, and
 * that computes on this device what the reference does.
 *
 * @param gpu The device.
 * @param matrices The weights.
 * @param options Whether and how to measure.
 * @returns The choices.
 * @throws {Error} If no variant of a product computes right results.
 */
export async function chooseProducts(
  gpu: Gpu,
  matrices: readonly Matrix[],
  options: ChooseOptions,
): Promise<Choices> {
  const products = productsOf(matrices, options);
  const device = deviceName(gpu);
  const path = options.tune === "off" ? undefined : await tuningPath(device);
  const known: Tuning = path === undefined || options.tune !== "cached"
    ? new Map()
    : await readTuning(path, device);
  const measured = options.tune === "force" ||
      options.tune === "cached" && path !== undefined
    ? await measure(gpu, products, { ...options, known })
    : new Map();
  if (path !== undefined && measured.size > 0) {
    await writeTuning(path, device, measured);
  }

  const chosen = new Map<string, ProductVariant>();
  const report: KernelChoice[] = [];
  const checks = new Map<string, Promise<KernelCheck[]>>();
  for (const [key, [product]] of products) {
    options.signal?.throwIfAborted();
    const tuned = measured.get(key) ?? known.get(key);
    const variants = variantsOf(gpu, product!);
    const first = variants.find(({ name }) => name === tuned?.variant);
    const candidates = first === undefined ? variants : [
      first,
      ...variants.filter((variant) => variant !== first),
    ];
    const { variant, refused } = await firstRight(gpu, product!, {
      candidates,
      checks,
    });
    chosen.set(key, variant);
    const source = measured.has(key) ? "measured" : "cached";
    report.push({
      product: key,
      variant: variant.name,
      ...(tuned !== undefined && variant === first
        ? { source, ms: tuned.ms, untriedMs: tuned.untriedMs }
        : { source: "untried" }),
      refused,
    });
  }
  const take = (product: Product) =>
    chosen.get(productKey(product)) ?? variantsOf(gpu, product)[0]!;
  return {
    report,
    matvec: (w, { int8 }) => take({ w, int8, batch: "one" }) as MatvecVariant,
    matmul: (w, input) => take({ w, ...input }) as MatmulVariant,
  };
}

/** The products of a model by key, each with all matrices that are alike. */
function productsOf(
  matrices: readonly Matrix[],
  { int8 }: Pick<ChooseOptions, "int8">,
): Map<string, Product[]> {
  // Where a stack holds other weights too, it stays with f32 as a whole.
  const whole = matrices.every(({ codec }) => codec.quantized);
  const inputs = (w: Matrix) => {
    if (!int8 || !w.codec.quantized) return [false];
    return whole ? [true] : [true, false];
  };
  const products = new Map<string, Product[]>();
  for (const batch of ["one", "small", "large"] as const) {
    for (const w of new Set(matrices)) {
      for (const int8 of inputs(w)) {
        const product = { w, batch, int8 };
        const key = productKey(product);
        const alike = products.get(key) ?? [];
        products.set(key, alike);
        alike.push(product);
      }
    }
  }
  return products;
}

/** Measures the products that are not known, until the time is up. */
async function measure(
  gpu: Gpu,
  products: ReadonlyMap<string, readonly Product[]>,
  options: ChooseOptions & { known: Tuning },
): Promise<Tuning> {
  const { tune, known, signal } = options;
  const tuning: Tuning = new Map();
  const left = [...products].filter(([key]) => !known.has(key));
  if (left.length === 0) return tuning;
  const kind = gpu.info.isFallbackAdapter ? "software" : "hardware";
  const { budgetMs = BUDGET_MS[kind] } = options;
  const end = tune === "force" ? Infinity : performance.now() + budgetMs;
  const shapes = left.map(([, [product]]) => product!.w);
  using timer = createTimer(gpu, {
    rows: Math.max(...shapes.map(({ rows }) => rows)),
    cols: Math.max(...shapes.map(({ cols }) => cols)),
  });
  for (const [key, alike] of left) {
    signal?.throwIfAborted();
    if (performance.now() >= end) break;
    const from = variantsOf(gpu, alike[0]!);
    const matrices = alike.map(({ w }) => w);
    const { best, times } = await fastest(gpu, alike[0]!, {
      matrices,
      from,
      timer,
    });
    tuning.set(key, {
      variant: best.name,
      ms: times.get(best)!,
      untriedMs: times.get(from[0]!)!,
    });
  }
  return tuning;
}

/** The first variant that computes what the reference does. */
async function firstRight(
  gpu: Gpu,
  product: Product,
  { candidates, checks }: {
    candidates: readonly ProductVariant[];
    checks: Map<string, Promise<KernelCheck[]>>;
  },
): Promise<{ variant: ProductVariant; refused: KernelCheck[] }> {
  const { w: { codec }, int8 } = product;
  const refused: KernelCheck[] = [];
  for (const variant of candidates) {
    // Variants of one name differ in lanes where rows are short.
    const key = JSON.stringify([codec.name, variant, int8]);
    const check = checks.get(key) ??
      checkVariant(gpu, codec, { variant, int8 });
    checks.set(key, check);
    const wrong = (await check).filter(({ ok }) => !ok);
    if (wrong.length === 0) return { variant, refused };
    refused.push(...wrong);
  }
  throw wrongKernels(gpu, `${productKey(product)} products`, refused);
}
