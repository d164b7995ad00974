import { assertEquals, assertThrows } from "@std/assert";
import { readCheckpointConfig } from "./config.ts";

const JSON_13B = {
  architectures: ["LlamaForCausalLM"],
  "hidden_size": 5120,
  "num_hidden_layers": 40,
  "num_attention_heads": 40,
  "intermediate_size": 13824,
  "hidden_act": "silu",
  "rms_norm_eps": 1e-6,
  "vocab_size": 32000,
  "max_position_embeddings": 2048,
  "rope_scaling": null,
  "tie_word_embeddings": false,
};

const read = (changes: Record<string, unknown>) =>
  readCheckpointConfig({ ...JSON_13B, ...changes }, "c/config.json");

Deno.test("readCheckpointConfig() reads Llama 13B", () => {
  const { json: _, ...config } = read({});
  assertEquals(config, {
    label: "c/config.json",
    shape: {
      vocabulary: 32000,
      dim: 5120,
      hiddenDim: 13824,
      queries: 5120,
      keys: 5120,
    },
    layers: 40,
    heads: 40,
    kvHeads: 40,
    headDim: 128,
    contextLength: 2048,
    slidingWindow: undefined,
    normEps: 1e-6,
    ropeBase: 10000,
    ropeScaling: {},
    tied: false,
  });
});

Deno.test("readCheckpointConfig() takes heads of another size, and their number", () => {
  const { shape, headDim } = read({ "head_dim": 64, num_key_value_heads: 8 });
  assertEquals([headDim, shape.queries, shape.keys], [64, 2560, 512]);
});

Deno.test("readCheckpointConfig() finds the rotary base in either place", () => {
  assertEquals(read({ "rope_theta": 5e5 }).ropeBase, 5e5);
  assertEquals(
    read({ "rope_parameters": { "rope_theta": 1e6 } }).ropeBase,
    1e6,
  );
});

Deno.test("readCheckpointConfig() reads a sliding window unless it is off", () => {
  const window = { "sliding_window": 4096 };
  assertEquals(read(window).slidingWindow, 4096);
  assertEquals(
    read({ ...window, use_sliding_window: false }).slidingWindow,
    undefined,
  );
});

Deno.test("readCheckpointConfig() takes a rope_scaling beside rope_parameters", () => {
  const { ropeBase, ropeScaling } = read({
    "rope_parameters": { "rope_type": "default", "rope_theta": 1e6 },
    "rope_scaling": { type: "linear", factor: 4 },
  });
  assertEquals(ropeBase, 1e6);
  assertEquals(ropeScaling, { "rope_theta": 1e6, type: "linear", factor: 4 });
});

const REFUSED: readonly [string, Record<string, unknown>, string][] = [
  [
    "another architecture",
    { architectures: ["Qwen2ForCausalLM"] },
    'its architecture is "Qwen2ForCausalLM", one of LlamaForCausalLM',
  ],
  ["no architecture", { architectures: null }, "its architecture is missing"],
  [
    "a mixture of experts",
    { "num_local_experts": 8 },
    "its num_local_experts is 8",
  ],
  ["another activation", { "hidden_act": "gelu" }, 'its hidden_act is "gelu"'],
  ["biases", { "attention_bias": true }, "its attention_bias is true"],
  [
    "quantized weights",
    { "quantization_config": { "quant_method": "gptq" } },
    'its quantization_config is "gptq"',
  ],
  ["no width", { "hidden_size": undefined }, "hidden_size is missing"],
  ["half a width", { "hidden_size": 0.5 }, "hidden_size is 0.5, a positive"],
  ["a text for a width", { "hidden_size": "5" }, 'hidden_size is "5"'],
  [
    "heads that do not divide",
    { "num_attention_heads": 39 },
    "head_dim is 131.",
  ],
  [
    "heads that share unevenly",
    { "num_key_value_heads": 3 },
    "40 heads on 3 KV heads",
  ],
  ["heads of an odd size", { "head_dim": 5 }, "its heads have 5 dimensions"],
  ["huge heads", { "head_dim": 2 ** 20 }, "its heads have 1048576 dimensions"],
  ["scaling by text", { "rope_scaling": "yarn" }, 'rope_scaling is "yarn"'],
  [
    "an epsilon below 0",
    { "rms_norm_eps": -1 },
    "rms_norm_eps is -1, a number",
  ],
  ["a rotary base of 0", { "rope_theta": 0 }, "rope_theta is 0, a positive"],
  [
    "heads that are turned in part",
    { "rope_parameters": { "partial_rotary_factor": 0.5 } },
    "its partial_rotary_factor is 0.5",
  ],
  [
    "layers that are turned in several ways",
    { "rope_parameters": { "full_attention": { "rope_theta": 1e6 } } },
    "rope_parameters.full_attention is an object",
  ],
];

for (const [what, changes, message] of REFUSED) {
  Deno.test(`readCheckpointConfig() refuses ${what}`, () => {
    assertThrows(() => read(changes), Error, message);
  });
}
