import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Metadata } from "../gguf/metadata.ts";
import { NO_SCALING, type RopeScaling } from "../kernels/rope_scaling.ts";
import type { LlamaConfig } from "./config.ts";
import { longestContext, readRope, type RopeScalingOptions } from "./rope.ts";

interface Case {
  /** Without `llama.rope.`. */
  keys?: Metadata;
  options?: RopeScalingOptions;
  /** Defaults to 4096. */
  context?: number;
  tensors?: string[];
}

function read(
  { keys = {}, options, context = 4096, tensors = [] }: Case = {},
): { ropeBase: number; ropeScaling: RopeScaling; longest: number } {
  const metadata = Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [`llama.rope.${key}`, value]),
  );
  const found = new Map(tensors.map((name) => [name, {} as never]));
  const file = { label: "model", metadata, tensors: found };
  const rope = readRope(file, context, options);
  const config = { contextLength: context, ...rope } as LlamaConfig;
  return { ...rope, longest: longestContext(config) };
}

const LINEAR = { "scaling.type": "linear", "scaling.factor": 4 };
const YARN = {
  "scaling.type": "yarn",
  "scaling.factor": 4,
  "scaling.original_context_length": 2048,
};

type Row = [
  what: string,
  given: Case,
  scaling: Partial<RopeScaling>,
  longest: number,
];

const READ: Row[] = [
  ["nothing", {}, { originalContext: 4096 }, 4096],
  [
    "none",
    {
      keys: { "scaling.type": "none", "scaling.factor": 4 },
    },
    { originalContext: 4096 },
    4096,
  ],
  ["a linear factor", { keys: LINEAR }, {
    type: "linear",
    factor: 4,
    originalContext: 1024,
  }, 4096],
  [
    "a factor without a type, as llama.cpp does",
    {
      keys: { "scaling.factor": 4 },
    },
    { type: "linear", factor: 4, originalContext: 1024 },
    4096,
  ],
  ["the old key", { keys: { scale_linear: 2 } }, {
    type: "linear",
    factor: 2,
    originalContext: 2048,
  }, 4096],
  [
    "a linear factor of 0",
    {
      keys: { "scaling.type": "linear", "scaling.factor": 0 },
    },
    { originalContext: 4096 },
    4096,
  ],
  ["a linear type alone", { keys: { "scaling.type": "linear" } }, {
    originalContext: 4096,
  }, 4096],
  ["YaRN", { keys: YARN }, {
    type: "yarn",
    factor: 4,
    originalContext: 2048,
  }, 8192],
  [
    "YaRN without the original context",
    {
      keys: { "scaling.type": "yarn", "scaling.factor": 4 },
    },
    { type: "yarn", factor: 4, originalContext: 4096 },
    16384,
  ],
  ["all of YaRN's parameters", {
    keys: {
      ...YARN,
      "scaling.attn_factor": 1.5,
      "scaling.yarn_ext_factor": 0.5,
      "scaling.yarn_attn_factor": 3,
      "scaling.yarn_beta_fast": 24,
      "scaling.yarn_beta_slow": 2,
      "scaling.yarn_log_multiplier": 0.1,
    },
  }, {
    type: "yarn",
    factor: 4,
    originalContext: 2048,
    attentionFactor: 1.5,
    extensionFactor: 0.5,
    betaFast: 24,
    betaSlow: 2,
    logMultiplier: 0.1,
  }, 8192],
  ["YaRN that spares nothing", {
    keys: {
      ...YARN,
      "scaling.attn_factor": 1.5,
      "scaling.yarn_ext_factor": 0,
      "scaling.yarn_attn_factor": 3,
    },
  }, {
    type: "yarn",
    factor: 4,
    originalContext: 2048,
    attentionFactor: 4.5,
    extensionFactor: 0,
  }, 8192],
  ["LongRoPE", {
    keys: {
      "scaling.type": "longrope",
      "scaling.original_context_length": 1024,
      "scaling.attn_factor": 1.19,
    },
  }, {
    type: "longrope",
    originalContext: 1024,
    attentionFactor: 1.19,
  }, 4096],
  ["Llama 3 without its tensor", {
    keys: {
      "scaling.type": "llama3",
      "scaling.factor": 8,
      "scaling.low_freq_factor": 1,
      "scaling.high_freq_factor": 5,
      "scaling.original_context_length": 512,
    },
  }, {
    type: "llama3",
    factor: 8,
    originalContext: 512,
    highFrequencyFactor: 5,
  }, 4096],
  [
    "Llama 3 with its tensor",
    {
      keys: { "scaling.type": "llama3", "scaling.factor": 8 },
      tensors: ["rope_freqs.weight"],
    },
    { originalContext: 4096 },
    4096,
  ],
  [
    "options for a model without",
    {
      options: { type: "yarn", factor: 4 },
    },
    { type: "yarn", factor: 4, originalContext: 4096 },
    16384,
  ],
  ["a factor alone for a model without", { options: { factor: 2 } }, {
    type: "linear",
    factor: 2,
    originalContext: 4096,
  }, 8192],
  [
    "a factor for a model that is stretched",
    {
      keys: LINEAR,
      options: { factor: 8 },
    },
    { type: "linear", factor: 8, originalContext: 1024 },
    8192,
  ],
  [
    "a type for a model that is stretched",
    {
      keys: LINEAR,
      options: { type: "ntk" },
    },
    { type: "ntk", factor: 4, originalContext: 1024 },
    4096,
  ],
  [
    "none for a model that is stretched",
    {
      keys: YARN,
      options: { type: "none" },
    },
    { type: "none", originalContext: 2048 },
    4096,
  ],
  ["a longer original context", { options: { originalContext: 10000 } }, {
    originalContext: 10000,
  }, 10000],
  [
    "options that are undefined",
    {
      keys: YARN,
      options: { type: undefined, factor: undefined, betaFast: undefined },
    },
    { type: "yarn", factor: 4, originalContext: 2048 },
    8192,
  ],
  ["all options", {
    keys: YARN,
    options: {
      type: "llama3",
      factor: 32,
      originalContext: 300,
      attentionFactor: 2,
      extensionFactor: 0.25,
      betaFast: 3,
      betaSlow: 2,
      lowFrequencyFactor: 3,
      highFrequencyFactor: 9,
    },
  }, {
    type: "llama3",
    factor: 32,
    originalContext: 300,
    attentionFactor: 2,
    extensionFactor: 0.25,
    betaFast: 3,
    betaSlow: 2,
    lowFrequencyFactor: 3,
    highFrequencyFactor: 9,
  }, 9600],
];

for (const [what, given, scaling, longest] of READ) {
  Deno.test(`readRope() reads ${what}`, () => {
    const actual = read(given);
    assertEquals(actual.ropeScaling, { ...NO_SCALING, ...scaling });
    assertEquals(actual.longest, longest);
  });
}

Deno.test("readRope() takes the base of the option, of the file, or 10000", () => {
  const keys = { "freq_base": 500_000 };
  assertEquals(read({ keys, options: { base: 1e6 } }).ropeBase, 1e6);
  assertEquals(read({ keys, options: { factor: 2 } }).ropeBase, 500_000);
  assertEquals(read().ropeBase, 10000);
});

const WRONG: [given: Case, kind: ErrorConstructor, message: string][] = [
  [{ keys: { "scaling.type": "dynamic" } }, Error, '"dynamic", one of none, '],
  [{ keys: { "scaling.type": 1 } }, TypeError, "llama.rope.scaling.type"],
  [{ keys: { "scaling.factor": -2 } }, RangeError, "it is -2"],
  [{ keys: { "scaling.factor": NaN } }, RangeError, "it is NaN"],
  [{ keys: { ...YARN, "freq_base": 1 } }, RangeError, "base of YaRN is 1"],
  [
    { keys: { ...YARN, "scaling.yarn_beta_fast": 0 } },
    RangeError,
    "rope.betaFast is 0",
  ],
  [
    { keys: { ...YARN, "scaling.original_context_length": 0 } },
    RangeError,
    "rope.originalContext is 0",
  ],
  [
    { options: { type: "cubic" as "none" } },
    TypeError,
    'rope.type is "cubic", one of none, linear,',
  ],
  [{ options: { type: "yarn" } }, RangeError, '"yarn" without a rope.factor'],
  [{ options: { factor: 0 } }, RangeError, "rope.factor is 0, a positive"],
  [{ options: { factor: Infinity } }, RangeError, "rope.factor is Infinity"],
  [{ options: { factor: "4" as unknown as number } }, RangeError, "is 4"],
  [{ options: { base: 0 } }, RangeError, "rope.base is 0"],
  [{ options: { originalContext: 0.5 } }, RangeError, "is 0.5"],
  [{ options: { extensionFactor: -1 } }, RangeError, "is -1, a number from 0"],
  [
    { options: { type: "yarn", factor: 2, base: 0.5 } },
    RangeError,
    "base of YaRN is 0.5",
  ],
];
for (const [given, kind, message] of WRONG) {
  Deno.test(`readRope() refuses ${JSON.stringify(given)}`, () => {
    const error = assertThrows(() => read(given), kind);
    assertEquals(error.constructor, kind);
    assertStringIncludes(error.message, message);
    assertEquals(error.message.slice(0, 7), "Cannot ");
  });
}
