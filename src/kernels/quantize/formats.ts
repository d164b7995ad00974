import { workgroupSize } from "../../gpu/kernel.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import affine16 from "./affine_16.wgsl" with { type: "text" };
import affine32 from "./affine_32.wgsl" with { type: "text" };
import affineLevels from "./affine_levels.wgsl" with { type: "text" };
import affineQuad from "./affine_quad.wgsl" with { type: "text" };
import block256 from "./block_256.wgsl" with { type: "text" };
import block32 from "./block_32.wgsl" with { type: "text" };
import check from "./check.wgsl" with { type: "text" };
import exact from "./exact.wgsl" with { type: "text" };
import fitAffine from "./fit_affine.wgsl" with { type: "text" };
import fitCurve from "./fit_curve.wgsl" with { type: "text" };
import fitSymmetric from "./fit_symmetric.wgsl" with { type: "text" };
import fromBf16 from "./from_bf16.wgsl" with { type: "text" };
import fromF16 from "./from_f16.wgsl" with { type: "text" };
import fromF32 from "./from_f32.wgsl" with { type: "text" };
import group16 from "./group_16.wgsl" with { type: "text" };
import group32 from "./group_32.wgsl" with { type: "text" };
import iq4Nl from "./iq4_nl.wgsl" with { type: "text" };
import iq4Xs from "./iq4_xs.wgsl" with { type: "text" };
import largest from "./largest.wgsl" with { type: "text" };
import largest32 from "./largest_32.wgsl" with { type: "text" };
import q2k from "./q2_k.wgsl" with { type: "text" };
import q3k from "./q3_k.wgsl" with { type: "text" };
import q4Symmetric from "./q4_0.wgsl" with { type: "text" };
import q4Affine from "./q4_1.wgsl" with { type: "text" };
import q4k from "./q4_k.wgsl" with { type: "text" };
import q6k from "./q6_k.wgsl" with { type: "text" };
import q8 from "./q8_0.wgsl" with { type: "text" };
import symmetric16 from "./symmetric_16.wgsl" with { type: "text" };

/** How weights are unpacked on the GPU, by ggml's name of their format. */
export const SOURCES: ReadonlyMap<string, string> = new Map([
  ["F32", fromF32],
  ["F16", fromF16],
  ["BF16", fromBf16],
]);

/** The WGSL that packs a format. */
export interface PackingCode {
  /** The files that are joined with one of {@linkcode SOURCES}. */
  readonly code: readonly string[];
  /** Values of their `override` constants. */
  readonly constants: Record<string, number>;
  /** Blocks that a workgroup packs: whole 32-bit words. */
  readonly blocks: number;
}

/**
 * Looks up how a format is packed on the GPU.
 *
 * @param gpu The device.
 * @param format ggml's name of the format.
 * @returns The code; `undefined` where there is none for the format.
 */
export function packingCode(
  gpu: Gpu,
  format: string,
): PackingCode | undefined {
  const inPairs = (
    BLOCK_BYTES: number,
    code: string[],
    constants: Record<string, number> = {},
  ): PackingCode => ({
    code: [exact, block32, largest, ...code],
    // No lane waits for another: few large workgroups, also on software drivers.
    constants: { WORKGROUP_SIZE: 64, BLOCK_BYTES, ...constants },
    blocks: 2 * 64,
  });
  // Blocks of a workgroup make whole words: two at least.
  const WORKGROUP_SIZE = Math.max(32, workgroupSize(gpu));
  const byGroups = (
    GROUPS: 8 | 16,
    BLOCK_BYTES: number,
    code: string[],
    constants: Record<string, number> = {},
  ): PackingCode => ({
    code: [exact, block256, largest, check, ...code],
    constants: { WORKGROUP_SIZE, GROUPS, BLOCK_BYTES, ...constants },
    blocks: WORKGROUP_SIZE / GROUPS,
  });
  const affine = [affineQuad, fitAffine, affineLevels];
  switch (format) {
    case "Q8_0":
      return inPairs(34, [largest32, q8]);
    case "Q4_0":
      return inPairs(18, [largest32, q4Symmetric], { HALF: 8 });
    case "Q5_0":
      return inPairs(22, [largest32, q4Symmetric], { HALF: 16 });
    case "Q4_1":
      return inPairs(20, [largest32, q4Affine], { MOST: 15 });
    case "Q5_1":
      return inPairs(24, [largest32, q4Affine], { MOST: 31 });
    case "Q4_K":
      return byGroups(8, 144, [group32, affine32, ...affine, q4k], {
        MOST: 15,
        FIRST: -1,
        STEP: Math.fround(0.1),
        TRIES: 20,
      });
    case "Q5_K":
      return byGroups(8, 176, [group32, affine32, ...affine, q4k], {
        MOST: 31,
        FIRST: -0.5,
        STEP: Math.fround(0.1),
        TRIES: 15,
      });
    case "Q2_K":
      return byGroups(16, 84, [group16, affine16, ...affine, q2k], {
        MOST: 3,
        FIRST: -0.5,
        STEP: Math.fround(0.1),
        TRIES: 15,
        ABSOLUTE: 1,
      });
    case "Q6_K":
      return byGroups(16, 210, [group16, symmetric16, fitSymmetric, q6k], {
        HALF: 32,
      });
    case "Q3_K":
      return byGroups(16, 110, [group16, symmetric16, q3k], { HALF: 4 });
    case "IQ4_NL":
      return inPairs(18, [check, group32, fitCurve, iq4Nl]);
    case "IQ4_XS":
      return byGroups(8, 136, [group32, fitCurve, iq4Xs]);
  }
  return undefined;
}

/** Formats that {@linkcode packingCode} knows. */
export const PACKABLE: readonly string[] = [
  "Q8_0",
  "Q4_0",
  "Q4_1",
  "Q5_0",
  "Q5_1",
  "Q6_K",
  "Q4_K",
  "Q5_K",
  "Q2_K",
  "Q3_K",
  "IQ4_NL",
  "IQ4_XS",
];
