import f16Code from "./kv_f16.wgsl" with { type: "text" };
import f16WriteCode from "./kv_f16_write.wgsl" with { type: "text" };
import f32Code from "./kv_f32.wgsl" with { type: "text" };
import f32WriteCode from "./kv_f32_write.wgsl" with { type: "text" };
import q8Code from "./kv_q8_0.wgsl" with { type: "text" };
import q8WriteCode from "./kv_q8_0_write.wgsl" with { type: "text" };

/**
 * Element type of a KV cache: floats, or `"q8_0"` for integers of 8 bits in
 * groups of 32 that share an f16 scale.
 */
export type KvType = "f16" | "f32" | "q8_0";

/** How one element type lies in a cache. */
export interface KvFormat {
  /** Bytes of a word, the type of the cache's array in WGSL. */
  readonly wordBytes: number;
  /** Words of a head of so many eights of values. */
  readonly words: (octets: number) => number;
  /** Eights of values that one invocation of rope appends. */
  readonly span: number;
  /** The WGSL that reads them. */
  readonly code: string;
  /** The WGSL that appends them, to stand behind `code`. */
  readonly writeCode: string;
}

/** The formats of the KV cache. */
export const KV_FORMATS: Readonly<Record<KvType, KvFormat>> = {
  f16: {
    wordBytes: 16,
    words: (octets) => octets,
    span: 1,
    code: f16Code,
    writeCode: f16WriteCode,
  },
  f32: {
    wordBytes: 16,
    words: (octets) => 2 * octets,
    span: 1,
    code: f32Code,
    writeCode: f32WriteCode,
  },
  "q8_0": {
    wordBytes: 8,
    // Whole groups of 4 octets, and a word for every 4 scales.
    words: (octets) => 4 * Math.ceil(octets / 4) + Math.ceil(octets / 16),
    span: 16,
    code: q8Code,
    writeCode: q8WriteCode,
  },
};

/** The names of {@linkcode KV_FORMATS}, the default first. */
export const KV_TYPES = Object.keys(KV_FORMATS) as readonly KvType[];

/** Eights of values that a head takes, zero past its end. */
export function headOctets(headDim: number): number {
  return Math.ceil(headDim / 8);
}

/** Words that a head takes in a cache. */
export function headWords(headDim: number, kv: KvType): number {
  return KV_FORMATS[kv].words(headOctets(headDim));
}

/** Bytes that a head takes in a cache. */
export function headBytes(headDim: number, kv: KvType): number {
  return headWords(headDim, kv) * KV_FORMATS[kv].wordBytes;
}
