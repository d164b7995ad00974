import f16Code from "./kv_f16.wgsl" with { type: "text" };
import f32Code from "./kv_f32.wgsl" with { type: "text" };

/** Element type of a KV cache. */
export type KvType = "f16" | "f32";

/** How one element type lies in a cache. */
export interface KvFormat {
  /** Bytes of four values. */
  readonly quadBytes: number;
  /** The WGSL that packs and unpacks them. */
  readonly code: string;
}

/** The formats of the KV cache. */
export const KV_FORMATS: Readonly<Record<KvType, KvFormat>> = {
  f16: { quadBytes: 8, code: f16Code },
  f32: { quadBytes: 16, code: f32Code },
};

/** Quads of four values that a head takes, zero past its end: an even number. */
export function headQuads(headDim: number): number {
  return Math.ceil(headDim / 8) * 2;
}
