import { BF16 } from "./bf16.ts";
import type { Codec } from "./codec.ts";
import { F16 } from "./f16.ts";
import { F32 } from "./f32.ts";
import { Q4_0 } from "./q4_0.ts";
import { Q6_K } from "./q6_k.ts";
import { Q8_0 } from "./q8_0.ts";

/** Every weight format that has kernels, by its name in ggml. */
export const CODECS: ReadonlyMap<string, Codec> = new Map(
  [F32, F16, BF16, Q8_0, Q4_0, Q6_K].map((codec) => [codec.name, codec]),
);
