import { workgroupSize } from "../../gpu/kernel.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import affine32 from "./affine_32.wgsl" with { type: "text" };
import block32 from "./block_32.wgsl" with { type: "text" };
import exact from "./exact.wgsl" with { type: "text" };
import fromBf16 from "./from_bf16.wgsl" with { type: "text" };
import fromF16 from "./from_f16.wgsl" with { type: "text" };
import fromF32 from "./from_f32.wgsl" with { type: "text" };
import largest from "./largest.wgsl" with { type: "text" };
import largest32 from "./largest_32.wgsl" with { type: "text" };
import q8 from "./q8_0.wgsl" with { type: "text" };
import symmetric32 from "./symmetric_32.wgsl" with { type: "text" };

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
    code: [exact, block32, largest, largest32, ...code],
    // No lane waits for another: few large workgroups, also on software drivers.
    constants: { WORKGROUP_SIZE: 64, BLOCK_BYTES, ...constants },
    blocks: 2 * 64,
  });
  switch (format) {
    case "Q8_0":
      return inPairs(34, [q8]);
    case "Q4_0":
      return inPairs(18, [symmetric32], { HALF: 8 });
    case "Q5_0":
      return inPairs(22, [symmetric32], { HALF: 16 });
    case "Q4_1":
      return inPairs(20, [affine32], { MOST: 15 });
    case "Q5_1":
      return inPairs(24, [affine32], { MOST: 31 });
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
];
