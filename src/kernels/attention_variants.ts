import type { Gpu } from "../gpu/gpu.ts";
import { workgroupSize } from "../gpu/kernel.ts";
import { headOctets } from "./kv_cache.ts";

/**
 * How attention of a batch is computed:
 *
 * - `"tile"`: keys and values are staged in workgroup memory, the invocations of
 *   a query add up with subgroup shuffles (see `attention_tile.ts`);
 * - `"tile_tree"`: the same, adding up in workgroup memory;
 * - `"broadcast"`: a subgroup whose lanes have queries of their own and pass
 *   keys round (see `attention_broadcast.ts`);
 * - `"keys"`: a workgroup of one subgroup a query, a lane a key (see
 *   `attention_keys.wgsl`);
 * - `"keys_tree"`: the same in any workgroup, without subgroups.
 */
export type AttentionVariant =
  | "tile"
  | "tile_tree"
  | "broadcast"
  | "keys"
  | "keys_tree";

/**
 * How attention of one row is computed:
 *
 * - `"lanes"`: lanes of a subgroup share a key (see `attention_lanes.wgsl`);
 * - `"lanes_tree"`: the same, adding up in workgroup memory;
 * - `"keys"` and `"keys_tree"`: as in {@linkcode AttentionVariant}.
 */
export type AttentionStepVariant =
  | "lanes"
  | "lanes_tree"
  | "keys"
  | "keys_tree";

/** Subgroups that `"broadcast"` is unrolled for. */
const BROADCAST_LANES = [4, 8];

/**
 * The variants of attention of a batch that a device can run.
 *
 * @param gpu The device.
 * @param headDim Head size.
 * @returns The variants, the one to prefer first, the safest last.
 */
export function attentionVariants(
  gpu: Gpu,
  headDim: number,
): AttentionVariant[] {
  const { subgroupSize, info } = gpu;
  const broadcast: AttentionVariant[] = BROADCAST_LANES.includes(subgroupSize)
    ? ["broadcast"]
    : [];
  const others = [...broadcast, ...keysVariants(gpu)];
  // A driver in software pays for each barrier, and compiles tiles for seconds.
  if (info.isFallbackAdapter) return others;
  return subgroupSize >= tileShape(headDim).slices
    ? ["tile", "tile_tree", ...others]
    : ["tile_tree", ...others];
}

/**
 * The variants of attention of one row that a device can run.
 *
 * @param gpu The device.
 * @param headDim Head size.
 * @returns The variants, the one to prefer first, the safest last.
 */
export function attentionStepVariants(
  gpu: Gpu,
  headDim: number,
): AttentionStepVariant[] {
  const keys = keysVariants(gpu);
  if (gpu.info.isFallbackAdapter) return keys;
  return gpu.subgroupSize >= keyLanes(headDim)
    ? ["lanes", "lanes_tree", ...keys]
    : ["lanes_tree", ...keys];
}

function keysVariants(gpu: Gpu): ("keys" | "keys_tree")[] {
  return gpu.subgroupSize === workgroupSize(gpu)
    ? ["keys", "keys_tree"]
    : ["keys_tree"];
}

/** Invocations that share a key in `"lanes"`: a power of two. */
export function keyLanes(headDim: number): number {
  return powerOfTwo(headOctets(headDim));
}

/** How a head is cut up in `"tile"`. */
export interface TileShape {
  /** Invocations of one query, a power of two. */
  slices: number;
  /** Quads of the head that each of them has. */
  quads: number;
  /** Keys that are staged at a time, a multiple of 4. */
  keys: number;
}

/**
 * Cuts a head for `"tile"`: at most 8 quads an invocation, so that two queries
 * and their sums stay in registers, and at most 4 KiB of keys at a time.
 */
export function tileShape(headDim: number): TileShape {
  const headQuads = 2 * headOctets(headDim);
  const slices = powerOfTwo(Math.ceil(headQuads / 8));
  const quads = Math.ceil(headQuads / slices);
  const keys = Math.min(8, 4 * Math.floor(256 / (4 * quads * slices)));
  return { slices, quads, keys };
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
