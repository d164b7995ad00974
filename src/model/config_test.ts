import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  array,
  f32,
  type GgufValue,
  scalar,
  string,
  u32,
} from "../../tests/gguf_builder.ts";
import { type MadeModelOptions, makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import { openSource } from "../gguf/source.ts";
import { NO_SCALING } from "../kernels/rope_scaling.ts";
import { architectureOf } from "./architectures.ts";
import type { LlamaConfig } from "./config.ts";

async function config(options: MadeModelOptions = {}): Promise<LlamaConfig> {
  const file = await readGguf(await openSource(makeModel(options)));
  return architectureOf(file).readConfig(file);
}

type Keys = Readonly<Record<string, GgufValue | undefined>>;

Deno.test("readConfig() reads what the file says", async () => {
  assertEquals(
    await config({
      dim: 48,
      hiddenDim: 100,
      layers: 3,
      heads: 6,
      kvHeads: 2,
      headDim: 10,
      ropeDims: 6,
      contextLength: 77,
      slidingWindow: 21,
      metadata: {
        "llama.rope.freq_base": f32(5000),
        "llama.attention.layer_norm_rms_epsilon": f32(0.5),
        "llama.rope.scaling.type": string("linear"),
        "llama.rope.scaling.factor": f32(4),
      },
    }),
    {
      dim: 48,
      hiddenDim: 100,
      layers: 3,
      heads: 6,
      kvHeads: 2,
      headDim: 10,
      vocabularySize: 300,
      contextLength: 77,
      slidingWindow: 21,
      normEps: 0.5,
      ropeDims: 6,
      ropeBase: 5000,
      ropeScaling: {
        ...NO_SCALING,
        type: "linear",
        factor: 4,
        originalContext: 77 / 4,
      },
    },
  );
});

Deno.test("readConfig() fills in what a file may leave out", async () => {
  const { kvHeads, headDim, ropeDims, ropeBase, ropeScaling } = await config({
    metadata: {
      "llama.attention.head_count_kv": undefined,
      "llama.rope.freq_base": undefined,
    },
  });
  assertEquals(
    [kvHeads, headDim, ropeDims, ropeBase],
    [4, 8, 8, 10000],
  );
  assertEquals(ropeScaling, { ...NO_SCALING, originalContext: 64 });
});

Deno.test("readConfig() takes the size of the vocabulary from the embedding", async () => {
  const metadata = { "llama.vocab_size": u32(299) };
  assertEquals((await config({ metadata })).vocabularySize, 300);
});

const WINDOW = "llama.attention.sliding_window";
Deno.test("readConfig() reads the attention's window", async () => {
  for (const [window, expected] of [[16, 16], [500, 500], [0, Infinity]]) {
    const metadata = { [WINDOW]: u32(window!) };
    const { slidingWindow, contextLength } = await config({ metadata });
    assertEquals([slidingWindow, contextLength], [expected, 64]);
  }
});

Deno.test("readConfig() takes heads of a size that is given for keys alone", async () => {
  const metadata = { "llama.attention.key_length": u32(8) };
  assertEquals((await config({ metadata })).headDim, 8);
});

const RMS_EPS = "llama.attention.layer_norm_rms_epsilon";
const WRONG: [
  what: string,
  keys: Keys,
  kind: new (message: string) => Error,
  message: string,
][] = [
  ["no architecture", { "general.architecture": undefined }, Error, "missing"],
  [
    "another architecture",
    { "general.architecture": string("bloom") },
    Error,
    [
      'its architecture is "bloom", "llama" is wanted',
    ].join(),
  ],
  [
    "an architecture that is no text",
    { "general.architecture": u32(1) },
    TypeError,
    "general.architecture",
  ],
  [
    "a mixture of experts",
    { "llama.expert_count": u32(8) },
    Error,
    "8 experts",
  ],
  [
    "keys and values of different sizes",
    {
      "llama.attention.key_length": u32(8),
      "llama.attention.value_length": u32(4),
    },
    Error,
    "keys of 8 and values of 4",
  ],
  [
    "an unknown RoPE scaling",
    {
      "llama.rope.scaling.type": string("dynamic"),
    },
    Error,
    'RoPE scaling is "dynamic", one of none, linear, ntk, llama3, yarn, longrope',
  ],
  [
    "an attention scale of its own",
    { "llama.attention.scale": f32(0.5) },
    Error,
    '"llama.attention.scale" is 0.5',
  ],
  [
    "attention that looks ahead",
    { "llama.attention.causal": scalar("bool", false) },
    Error,
    '"llama.attention.causal" is false',
  ],
  [
    "soft caps",
    { "llama.final_logit_softcapping": f32(30) },
    Error,
    '"llama.final_logit_softcapping" is 30',
  ],
  [
    "a negative RoPE factor",
    {
      "llama.rope.scaling.type": string("linear"),
      "llama.rope.scaling.factor": f32(-2),
    },
    RangeError,
    "-2",
  ],
  [
    "heads that no KV heads divide",
    {
      "llama.attention.head_count_kv": u32(3),
    },
    RangeError,
    "4 heads on 3 KV heads",
  ],
  [
    "a width that no heads divide",
    {
      "llama.attention.head_count": u32(5),
      "llama.attention.head_count_kv": u32(5),
    },
    RangeError,
    "6.4",
  ],
  [
    "heads of an odd size",
    {
      "llama.attention.key_length": u32(7),
      "llama.attention.value_length": u32(7),
    },
    RangeError,
    "heads of 7",
  ],
  [
    "heads that are too large",
    {
      "llama.attention.key_length": u32(258),
      "llama.attention.value_length": u32(258),
    },
    RangeError,
    "heads of 258",
  ],
  [
    "RoPE over an odd number",
    {
      "llama.rope.dimension_count": u32(3),
    },
    RangeError,
    "RoPE over 3",
  ],
  [
    "RoPE over more than a head",
    {
      "llama.rope.dimension_count": u32(10),
    },
    RangeError,
    "RoPE over 10",
  ],
  ["a negative window", { [WINDOW]: f32(-8) }, RangeError, "-8"],
  ["half a window", { [WINDOW]: f32(7.5) }, RangeError, "7.5"],
  ["a window that is no number", { [WINDOW]: f32(NaN) }, RangeError, "NaN"],
  ["a window of text", { [WINDOW]: string("8") }, TypeError, WINDOW],
  ["a RoPE base of 0", { "llama.rope.freq_base": f32(0) }, RangeError, "of 0"],
  [
    "a RoPE base that is no number",
    {
      "llama.rope.freq_base": f32(NaN),
    },
    RangeError,
    "NaN",
  ],
  ["a negative epsilon", { [RMS_EPS]: f32(-1) }, RangeError, "epsilon of -1"],
  ["no epsilon", { [RMS_EPS]: undefined }, TypeError, RMS_EPS],
  [
    "fewer embeddings than tokens",
    {
      "tokenizer.ggml.tokens": array(
        "string",
        Array.from({ length: 301 }, (_, i) => `${i}`),
      ),
    },
    RangeError,
    "301 tokens, but embeddings of 300",
  ],
];

for (
  const key of [
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
  ]
) {
  const name = `llama.${key}`;
  WRONG.push(
    [`no ${key}`, { [name]: undefined }, TypeError, name],
    [`a ${key} of 0`, { [name]: u32(0) }, RangeError, name],
    [`a fraction as ${key}`, { [name]: f32(1.5) }, RangeError, "1.5"],
    [`a text as ${key}`, { [name]: string("8") }, TypeError, name],
    [`one ${key} a layer`, { [name]: array("u32", [8]) }, TypeError, name],
    [`a negative ${key}`, { [name]: scalar("i32", -8) }, RangeError, "-8"],
    [
      `an absurd ${key}`,
      { [name]: scalar("u64", 2n ** 40n) },
      RangeError,
      name,
    ],
    [
      `a ${key} beyond 2^53`,
      { [name]: scalar("u64", 2n ** 60n) },
      TypeError,
      name,
    ],
  );
}

for (const [what, metadata, kind, message] of WRONG) {
  Deno.test(`readConfig() refuses ${what}`, async () => {
    const error = await assertRejects(() => config({ metadata }), kind);
    assertEquals(error.constructor, kind);
    assertEquals(error.message.slice(0, 7), "Cannot ", error.message);
    assertStringIncludes(error.message, message);
  });
}
