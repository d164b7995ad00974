import type { Gpu } from "../gpu/gpu.ts";
import { workgroupSize } from "../gpu/kernel.ts";
import type { Matrix } from "./matrix.ts";
import subgroupCode from "./reduce_subgroup.wgsl" with { type: "text" };
import treeCode from "./reduce_tree.wgsl" with { type: "text" };

/** One way to cut up a matrix-vector product; see `matvec.wgsl`. */
export interface MatvecVariant {
  /** What it is called in labels, tuning files and benchmarks. */
  readonly name: string;
  /** Rows that a run of lanes shares: 1, 2 or 4. */
  readonly rows: number;
  /** Blocks that a lane loads before its loop goes round: 1, 2 or 4. */
  readonly unroll: number;
  /** Lanes of a workgroup. */
  readonly workgroup: number;
  /** Lanes that share a row, a power of two. */
  readonly lanes: number;
  /** Whether sums are added by shuffles, or else in workgroup memory. */
  readonly subgroups: boolean;
  /** Whether lanes take rows of their own, and activations are passed round. */
  readonly broadcast: boolean;
}

/** One way to cut up a matrix-matrix product. */
export type MatmulVariant =
  /** Tiles in workgroup memory; see `matmul.wgsl`. */
  | { readonly name: string; readonly kind: "tile"; tx: number; ty: number }
  /** Rows in registers, activations passed round; see `matmul_broadcast.wgsl`. */
  | { readonly name: string; readonly kind: "broadcast" }
  /** Few batch rows that pass by each row of weights; see `matmul_rows.wgsl`. */
  | {
    readonly name: string;
    readonly kind: "rows";
    workgroup: number;
    lanes: number;
    subgroups: boolean;
  };

/** Most rows of a batch that is called small: it has variants of its own. */
export const SMALL_BATCH = 16;

/**
 * The ways to cut up a matrix-vector product on a device.
 *
 * @param gpu The device.
 * @param w The matrix; only its shape matters.
 * @param options Whether the input is whole numbers.
 * @returns The variants, that which is taken untried first.
 */
export function matvecVariants(
  gpu: Gpu,
  w: Pick<Matrix, "blocks">,
  { int8 = false }: { int8?: boolean } = {},
): MatvecVariant[] {
  const subgroups = gpu.subgroupSize > 0;
  const size = workgroupSize(gpu);
  const software = gpu.info.isFallbackAdapter;
  const workgroups = software ? [size] : [64, 128, 256];
  const variants: MatvecVariant[] = [];
  if (software && !int8 && gpu.subgroupSize >= 4) {
    for (const rows of [4, 2]) {
      variants.push({
        name: `${rows}r.broadcast`,
        rows,
        unroll: 1,
        workgroup: gpu.subgroupSize,
        lanes: 1,
        subgroups,
        broadcast: true,
      });
    }
  }
  for (const rows of [4, 2, 1]) {
    for (const unroll of [1, 2, 4]) {
      for (const workgroup of workgroups) {
        const lanes = lanesOf(gpu, w, { workgroup, subgroups });
        // Lanes whose every further block is past the end would only wait.
        if (unroll > 1 && lanes * unroll > w.blocks) continue;
        const name = `${rows}r.${unroll}u.${workgroup}w${
          subgroups ? ".subgroups" : ""
        }`;
        variants.push({
          name,
          rows,
          unroll,
          workgroup,
          lanes,
          subgroups,
          broadcast: false,
        });
      }
    }
  }
  return variants;
}

/**
 * The ways to cut up a matrix-matrix product on a device.
 *
 * @param gpu The device.
 * @param w The matrix; only its shape matters.
 * @param options How many batch rows, and whether they are whole numbers.
 * @returns The variants, that which is taken untried first.
 */
export function matmulVariants(
  gpu: Gpu,
  w: Pick<Matrix, "blocks">,
  { batch, int8 = false }: { batch: number; int8?: boolean },
): MatmulVariant[] {
  const { info, device, subgroupSize } = gpu;
  const variants: MatmulVariant[] = [];
  const broadcast: MatmulVariant = { name: "broadcast", kind: "broadcast" };
  const canBroadcast = !int8 && subgroupSize >= 4;
  if (info.isFallbackAdapter && canBroadcast) variants.push(broadcast);
  if (batch <= SMALL_BATCH && !info.isFallbackAdapter) {
    const subgroups = subgroupSize > 0;
    const workgroup = workgroupSize(gpu);
    const lanes = lanesOf(gpu, w, { workgroup, subgroups });
    const name = subgroups ? "rows.subgroups" : "rows";
    variants.push({ name, kind: "rows", workgroup, lanes, subgroups });
  }
  const { maxComputeWorkgroupStorageSize: most } = device.limits;
  const { maxComputeInvocationsPerWorkgroup: lanes } = device.limits;
  for (const [tx, ty] of [[16, 16], [8, 8]] as const) {
    const large = tx * ty > 64;
    if (info.isFallbackAdapter && large) continue;
    if (tx * ty > lanes || tileBytes(tx, ty, int8) > most) continue;
    const name = `tile.${8 * tx}x${4 * ty}`;
    variants.push({ name, kind: "tile", tx, ty });
  }
  if (!info.isFallbackAdapter && canBroadcast) variants.push(broadcast);
  return variants;
}

/** Workgroup memory of a tile; see `matmul_f32.wgsl` and `matmul_int8.wgsl`. */
function tileBytes(tx: number, ty: number, int8: boolean): number {
  const perRow = int8 ? 4 * 16 : 9 * 16;
  return perRow * (8 * tx + 4 * ty);
}

/** Lanes that share a row: no more than there are blocks for. */
function lanesOf(
  gpu: Gpu,
  { blocks }: Pick<Matrix, "blocks">,
  { workgroup, subgroups }: { workgroup: number; subgroups: boolean },
): number {
  const most = subgroups ? gpu.subgroupSize : 32;
  const wanted = 2 ** Math.floor(Math.log2(Math.max(1, blocks)));
  return Math.min(wanted, most, workgroup);
}

/** The WGSL that adds up the lanes of a run. */
export function reduction(gpu: Gpu, subgroups: boolean): string {
  return subgroups ? gpu.subgroupPrelude + subgroupCode : treeCode;
}
