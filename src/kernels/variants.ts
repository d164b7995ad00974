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

/**
 * One way to cut up a matrix-matrix product. What comes of a row of the batch is
 * the same to the bit whatever rows there are beside it, and wherever it stands.
 */
export type MatmulVariant =
  /** Tiles in workgroup memory; see `matmul.wgsl`. */
  | { readonly name: string; readonly kind: "tile"; tx: number; ty: number }
  /** Rows in registers, activations passed round; see `matmul_broadcast.wgsl`. */
  | { readonly name: string; readonly kind: "broadcast" };

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
 * What becomes of a variant where several rows of input share the weights: it
 * takes less at a time, as registers hold the sums of every row. What decides
 * about the order of a sum stays, the lanes that share a row of weights.
 *
 * @param variant The variant for one row of input.
 * @param options How many rows at most, and whether they are whole numbers.
 * @returns That for more.
 */
export function stepVariant(
  variant: MatvecVariant,
  { columns, int8 = false }: { columns: number; int8?: boolean | undefined },
): MatvecVariant {
  if (columns === 1) return variant;
  // Whole numbers take a quarter of the registers; software drivers have theirs
  // in memory, and a workgroup's rows are what they save loads with.
  const most = columns > 4 && !int8 && !variant.broadcast ? 2 : 4;
  return { ...variant, unroll: 1, rows: Math.min(most, variant.rows) };
}

/**
 * The ways to cut up a matrix-matrix product on a device.
 *
 * @param gpu The device.
 * @param options Whether the batch is whole numbers.
 * @returns The variants, that which is taken untried first.
 */
export function matmulVariants(
  gpu: Gpu,
  { int8 = false }: { int8?: boolean } = {},
): MatmulVariant[] {
  const { info, device, subgroupSize } = gpu;
  const variants: MatmulVariant[] = [];
  const broadcast: MatmulVariant = { name: "broadcast", kind: "broadcast" };
  const canBroadcast = !int8 && subgroupSize >= 4;
  if (info.isFallbackAdapter && canBroadcast) variants.push(broadcast);
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
