import type { Gpu } from "../gpu/gpu.ts";
import { runtimeName } from "../gpu/runtime.ts";
import { cacheFolder } from "../system/environment.ts";

/** What was measured of one product. */
export interface TunedProduct {
  /** Name of the variant that was fastest. */
  variant: string;
  /** Milliseconds that one product took in it. */
  ms: number;
  /** Milliseconds in the variant that is taken untried. */
  untriedMs: number;
}

/** The variants that were fastest on one device, by `productKey()`. */
export type Tuning = Map<string, TunedProduct>;

/** Kernels change: choices of another version are measured again. */
const VERSION = 2;

/** A file with the choices for one device. */
interface TuningFile {
  version: number;
  device: string;
  products: Record<string, TunedProduct>;
}

/**
 * The adapter as the tuning is kept for it, with what compiles the kernels: the
 * driver, as far as the adapter tells of it, and the runtime.
 */
export function deviceName({ info, subgroupSize }: Gpu): string {
  const { vendor, architecture, device, description } = info;
  const name = [vendor, architecture, device, description]
    .filter((part) => part !== "").join(" ");
  const subgroups = subgroupSize > 0
    ? `subgroups of ${subgroupSize}`
    : "no subgroups";
  return `${name}, ${subgroups}, ${runtimeName()}`;
}

/**
 * The file that holds a device's tuning, in the cache folder.
 *
 * @param device The device, by {@linkcode deviceName}.
 * @returns The path; `undefined` where the program may not know or use it.
 */
export async function tuningPath(device: string): Promise<string | undefined> {
  if (!("Deno" in globalThis)) return undefined;
  const cache = cacheFolder();
  if (cache === undefined) return undefined;
  const folder = `${cache}/tuning`;
  // Asking for a permission would stop the program at a prompt.
  for (const name of ["read", "write"] as const) {
    const { state } = Deno.permissions.querySync({ name, path: folder });
    if (state !== "granted") return undefined;
  }
  return `${folder}/${await digest(device)}.json`;
}

/**
 * Reads a tuning file.
 *
 * @param path The file, by {@linkcode tuningPath}.
 * @param device The device that it must be of.
 * @returns What is in it: nothing where there is none, or it is broken or of
 * another version, as it can be measured again.
 */
export async function readTuning(
  path: string,
  device: string,
): Promise<Tuning> {
  try {
    const file: unknown = JSON.parse(await Deno.readTextFile(path));
    if (!isTuningFile(file) || file.device !== device) return new Map();
    const products = Object.entries(file.products);
    return new Map(products.filter(([, product]) => isTuned(product)));
  } catch {
    return new Map();
  }
}

/**
 * Looks up what was measured on a device, in this program or another.
 *
 * @param gpu The device.
 * @returns The file, where there can be one, and what is in it.
 */
export async function knownTuning(
  gpu: Gpu,
): Promise<{ path: string | undefined; tuning: Tuning }> {
  const device = deviceName(gpu);
  const path = await tuningPath(device);
  const tuning = path === undefined
    ? new Map()
    : await readTuning(path, device);
  return { path, tuning };
}

/**
 * Adds to a tuning file, which another program may be writing as well: the file
 * is whole at any time.
 *
 * @param path The file, by {@linkcode tuningPath}.
 * @param device The device that was measured.
 * @param tuning What was measured.
 * @returns Whether it was written; a full disk is no reason to fail.
 */
export async function writeTuning(
  path: string,
  device: string,
  tuning: Tuning,
): Promise<boolean> {
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    const products = Object.fromEntries([
      ...await readTuning(path, device),
      ...tuning,
    ]);
    const file: TuningFile = { version: VERSION, device, products };
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(temporary, JSON.stringify(file, null, 2) + "\n");
    await Deno.rename(temporary, path);
    return true;
  } catch {
    await Deno.remove(temporary).catch(() => {});
    return false;
  }
}

function isTuningFile(file: unknown): file is TuningFile {
  if (!isRecord(file) || file.version !== VERSION) return false;
  return isRecord(file.products);
}

/** Other versions may write other things: what is none is measured again. */
function isTuned(product: unknown): product is TunedProduct {
  return isRecord(product) && typeof product.variant === "string" &&
    typeof product.ms === "number" && typeof product.untriedMs === "number";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A file name for any text. */
async function digest(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.subarray(0, 8).toHex();
}
