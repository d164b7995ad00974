import { BF16 } from "./bf16.ts";
import type { Codec } from "./codec.ts";
import { F16 } from "./f16.ts";
import { F32 } from "./f32.ts";
import { IQ1_M } from "./iq1_m.ts";
import { IQ1_S } from "./iq1_s.ts";
import { IQ2_S } from "./iq2_s.ts";
import { IQ2_XS } from "./iq2_xs.ts";
import { IQ2_XXS } from "./iq2_xxs.ts";
import { IQ3_S } from "./iq3_s.ts";
import { IQ3_XXS } from "./iq3_xxs.ts";
import { IQ4_NL } from "./iq4_nl.ts";
import { IQ4_XS } from "./iq4_xs.ts";
import { MXFP4 } from "./mxfp4.ts";
import { Q2_K } from "./q2_k.ts";
import { Q3_K } from "./q3_k.ts";
import { Q4_0 } from "./q4_0.ts";
import { Q4_1 } from "./q4_1.ts";
import { Q4_K } from "./q4_k.ts";
import { Q5_0 } from "./q5_0.ts";
import { Q5_1 } from "./q5_1.ts";
import { Q5_K } from "./q5_k.ts";
import { Q6_K } from "./q6_k.ts";
import { Q8_0 } from "./q8_0.ts";
import { TQ1_0 } from "./tq1_0.ts";
import { TQ2_0 } from "./tq2_0.ts";

/** Every weight format that has kernels, by its name in ggml. */
export const CODECS: ReadonlyMap<string, Codec> = new Map(
  [
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ2_XXS,
    IQ2_XS,
    IQ3_XXS,
    IQ1_S,
    IQ4_NL,
    IQ3_S,
    IQ2_S,
    IQ4_XS,
    IQ1_M,
    BF16,
    TQ1_0,
    TQ2_0,
    MXFP4,
  ].map((codec) => [codec.name, codec]),
);
