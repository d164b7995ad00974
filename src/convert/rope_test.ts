import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { NO_SCALING, ropeFrequencies } from "../kernels/rope_scaling.ts";
import { readCheckpointConfig } from "./config.ts";
import { convertRope } from "./rope.ts";

const config = (changes: Record<string, unknown>) =>
  readCheckpointConfig({
    architectures: ["LlamaForCausalLM"],
    "hidden_size": 256,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 100,
    "max_position_embeddings": 4096,
    "rope_theta": 5e5,
    ...changes,
  }, "c");

const convert = (scaling: unknown) =>
  convertRope(config({ "rope_scaling": scaling }));

Deno.test("convertRope() writes nothing when nothing is stretched", () => {
  for (const scaling of [null, {}, { "rope_type": "default" }]) {
    assertEquals(convert(scaling), { fields: [], frequencies: undefined });
  }
});

Deno.test("convertRope() writes type and factor when scaling is linear", () => {
  assertEquals(convert({ type: "linear", factor: 4 }).fields, [
    { key: "llama.rope.scaling.type", type: "string", value: "linear" },
    { key: "llama.rope.scaling.factor", type: "f32", value: 4 },
  ]);
});

Deno.test("convertRope() writes YaRN's parameters by GGUF's names", () => {
  const { fields } = convert({
    "rope_type": "yarn",
    factor: 16,
    "original_max_position_embeddings": 2048,
    "attention_factor": 1.5,
    "beta_fast": 31,
    "beta_slow": 2,
  });
  assertEquals(fields.map(({ key, value }) => [key, value]), [
    ["llama.rope.scaling.type", "yarn"],
    ["llama.rope.scaling.factor", 16],
    ["llama.rope.scaling.original_context_length", 2048],
    ["llama.rope.scaling.yarn_attn_factor", 1.5],
    ["llama.rope.scaling.yarn_beta_fast", 31],
    ["llama.rope.scaling.yarn_beta_slow", 2],
  ]);
});

Deno.test("convertRope() divides frequencies as the kernel does when it is llama3", () => {
  const { frequencies, fields } = convert({
    "rope_type": "llama3",
    factor: 8,
    "low_freq_factor": 1,
    "high_freq_factor": 4,
    "original_max_position_embeddings": 8192,
  });
  const plain = { base: 5e5, dims: 128 };
  const before = ropeFrequencies({ ...plain, scaling: NO_SCALING });
  const after = ropeFrequencies({
    ...plain,
    scaling: {
      ...NO_SCALING,
      type: "llama3",
      factor: 8,
      originalContext: 8192,
    },
  });
  assertEquals(fields, []);
  assertEquals(frequencies!.length, 64);
  for (const [i, divisor] of frequencies!.entries()) {
    assertAlmostEquals(before[i]! / after[i]!, divisor, 1e-5);
  }
  assertEquals([frequencies![0], frequencies![63]], [1, 8]);
});

Deno.test("convertRope() warns when scaling is dynamic", () => {
  const { fields, warning } = convert({ type: "dynamic", factor: 2 });
  assertEquals(fields, []);
  assertEquals(warning?.includes("beyond 4096"), true);
});

const REFUSED: readonly [string, unknown, string][] = [
  ["a kind of other models", { "rope_type": "longrope" }, 'is "longrope"'],
  ["no factor", { type: "linear" }, "factor is missing"],
  ["a factor of 0", { type: "linear", factor: 0 }, "factor is 0, a positive"],
  [
    "factors that meet",
    { "rope_type": "llama3", low_freq_factor: 4, high_freq_factor: 4 },
    "8, 4 and 4",
  ],
];

for (const [what, scaling, message] of REFUSED) {
  Deno.test(`convertRope() refuses ${what}`, () => {
    assertThrows(() => convert(scaling), Error, message);
  });
}
