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
  productsOf,
  type ProductVariant,
  variantsOf,
} from "./candidates.ts";
import { measureProducts } from "./measure.ts";
import type { TuneMode } from "./mode.ts";
import { type KernelChoice, wrongKernels } from "./report.ts";

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
  const measured: Tuning = options.tune === "force" ||
      options.tune === "cached" && path !== undefined
    ? await measureProducts(gpu, unknown(gpu, products, known), {
      end: options.tune === "force" ? Infinity : endOf(gpu, options),
      signal: options.signal,
    })
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
  const take = (product: Product) => {
    const key = productKey(product);
    const variant = chosen.get(key);
    if (variant !== undefined) return variant;
    throw new Error(`Cannot run ${key} products: no variant was chosen`);
  };
  return {
    report,
    matvec: (w, { int8 }) => take({ w, int8, kind: "step" }) as MatvecVariant,
    matmul: (w, { int8 }) => take({ w, int8, kind: "prompt" }) as MatmulVariant,
  };
}

/** The products that have to be measured: a variant may have gone since. */
function unknown(
  gpu: Gpu,
  products: ReadonlyMap<string, readonly Product[]>,
  known: Tuning,
): Map<string, readonly Product[]> {
  return new Map([...products].filter(([key, [product]]) => {
    const name = known.get(key)?.variant;
    return !variantsOf(gpu, product!).some((variant) => variant.name === name);
  }));
}

/** When measuring has to end, by `performance.now()`. */
function endOf(gpu: Gpu, { budgetMs }: ChooseOptions): number {
  const kind = gpu.info.isFallbackAdapter ? "software" : "hardware";
  return performance.now() + (budgetMs ?? BUDGET_MS[kind]);
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
