import { assert, assertEquals, assertThrows } from "@std/assert";
import { readLlamaCppGoldens } from "../../tests/quantize_goldens.ts";
import { chooseFormats, type MixOptions, type MixTensor } from "./mix.ts";
import type { MixModel } from "./mix_rules.ts";
import { compareTensors, isQuantizable, tensorRole } from "./tensor_roles.ts";
import { QUANTIZATION_TYPES, quantizationType } from "./types.ts";

/** The matrices of a Llama, 256 wide, in the order in which they are written. */
function matrices({ layers, tied = false, columns = 256 }: {
  layers: number;
  tied?: boolean;
  columns?: number;
}): MixTensor[] {
  const parts = ["attn_k", "attn_output", "attn_q", "attn_v"];
  const names = [
    ...(tied ? [] : ["output"]),
    "token_embd",
    ...Array.from(
      { length: layers },
      (_, i) =>
        [...parts, "ffn_down", "ffn_gate", "ffn_up"].map((part) =>
          `blk.${i}.${part}`
        ),
    ).flat(),
  ];
  return names.map((name) => ({
    name: `${name}.weight`,
    shape: [columns, 64],
    format: { name: "F16" },
  }));
}

function llama(model: Partial<MixModel>): MixModel {
  return {
    architecture: "llama",
    layers: 1,
    heads: 4,
    kvHeads: 4,
    experts: 0,
    ...model,
  };
}

/** Formats by name without the layer, as runs: `"3 Q4_K, Q6_K"`. */
function runs(
  tensors: readonly MixTensor[],
  formats: readonly { format: string }[],
): Record<string, string> {
  const byName = new Map<string, [string, number][]>();
  for (const [i, { name }] of tensors.entries()) {
    const part = name.replace(/^blk\.\d+\./, "").replace(".weight", "");
    const list = byName.get(part) ?? [];
    byName.set(part, list);
    const last = list.at(-1);
    if (last?.[0] === formats[i]!.format) last[1]++;
    else list.push([formats[i]!.format, 1]);
  }
  return Object.fromEntries(
    [...byName].map(([part, list]) => [
      part,
      list.map(([format, n]) => n > 1 ? `${n} ${format}` : format).join(", "),
    ]),
  );
}

for (const { layers, tied, types, ...model } of readLlamaCppGoldens().mixes) {
  const heads = `${model.heads} heads on ${model.kvHeads}`;
  const name = `${layers} layers, ${heads}${tied ? ", tied" : ""}`;
  Deno.test(`chooseFormats() chooses as llama.cpp does for ${name}`, () => {
    const tensors = matrices({ layers, tied });
    for (const [key, wanted] of Object.entries(types)) {
      const [type, by] = key.split(" ");
      const formats = chooseFormats(
        quantizationType(type!),
        llama({ layers, ...model }),
        tensors,
        { hasImportance: by !== undefined },
      );
      assertEquals(runs(tensors, formats), wanted, key);
    }
  });
}

function formatOf(
  type: string,
  name: string,
  { columns = 256, tied = false, ...options }:
    & MixOptions
    & { columns?: number; tied?: boolean } = {},
): string {
  const tensors = matrices({ layers: 1, columns, tied });
  const formats = chooseFormats(
    quantizationType(type),
    llama({}),
    tensors,
    options,
  );
  return formats[tensors.findIndex((tensor) => tensor.name === name)]!.format;
}

Deno.test("chooseFormats() takes shorter blocks when rows are no whole ones", () => {
  const cases = [
    ["IQ4_XS", 320, "IQ4_NL"],
    ["Q2_K_S", 320, "Q4_0"],
    ["Q3_K_S", 320, "Q4_0"],
    ["Q4_K_M", 320, "Q5_0"],
    ["Q5_K_M", 320, "Q5_1"],
    ["Q6_K", 320, "Q8_0"],
    ["Q4_K_M", 172, "F16"],
    ["Q8_0", 172, "F16"],
    ["Q4_0", 172, "F16"],
    ["BF16", 172, "BF16"],
  ] as const;
  for (const [type, columns, wanted] of cases) {
    const chosen = formatOf(type, "blk.0.attn_q.weight", { columns });
    assertEquals(chosen, wanted, `${type} ${columns}`);
  }
});

Deno.test("chooseFormats() takes what was asked for when that overrules the mix", () => {
  const embedding = "token_embd.weight";
  const output = "output.weight";
  assertEquals(formatOf("Q4_K_M", output, { pure: true }), "Q4_K");
  assertEquals(
    formatOf("Q4_K_M", "blk.0.attn_v.weight", { pure: true }),
    "Q4_K",
  );
  const tokens = { tokenEmbeddingType: "Q8_0" };
  assertEquals(formatOf("Q4_K_M", embedding, tokens), "Q8_0");
  assertEquals(
    formatOf("Q4_K_M", embedding, { ...tokens, pure: true }),
    "Q8_0",
  );
  assertEquals(formatOf("F16", embedding, tokens), "Q8_0");
  const logits = { outputTensorType: "Q5_K" };
  assertEquals(formatOf("Q4_K_M", output, logits), "Q5_K");
  assertEquals(formatOf("Q4_K_M", embedding, logits), "Q4_K");
  // Tied embeddings are the output as well.
  assertEquals(
    formatOf("Q4_K_M", embedding, { ...logits, tied: true }),
    "Q5_K",
  );
});

Deno.test("chooseFormats() leaves alone what is no matrix of weights", () => {
  const tensors = [
    { name: "output_norm.weight", shape: [256] },
    { name: "blk.0.attn_norm.weight", shape: [256, 1] },
    { name: "blk.0.odd_norm.weight", shape: [256, 2] },
    { name: "blk.0.attn_q.bias", shape: [256, 2] },
    { name: "blk.0.ffn_gate_inp.weight", shape: [256, 8] },
    { name: "rope_freqs.weight", shape: [32] },
  ].map((tensor) => ({ ...tensor, format: { name: "F32" } }));
  const formats = chooseFormats(quantizationType("Q4_0"), llama({}), tensors);
  assert(formats.every(({ format }) => format === "F32"));
});

Deno.test("chooseFormats() gives eight experts' keys and values more bits", () => {
  const tensors = [
    "blk.0.attn_k",
    "blk.0.attn_output",
    "blk.0.attn_v",
    "blk.0.ffn_down_exps",
  ].map((name) => ({
    name: `${name}.weight`,
    shape: [256, 64, 8],
    format: { name: "F16" },
  }));
  const model = llama({ experts: 8, layers: 8 });
  const formats = chooseFormats(quantizationType("Q4_K_M"), model, tensors);
  assertEquals(formats.map(({ format }) => format), [
    "Q8_0",
    "Q5_K",
    "Q8_0",
    "Q6_K",
  ]);
});

Deno.test("compareTensors() orders by layer, then by bytes", () => {
  const names = [
    "output.weight",
    "output_norm.weight",
    "token_embd.weight",
    "blk.0.attn_k.weight",
    "blk.0.attn_norm.weight",
    "blk.2.attn_q.weight",
    "blk.10.attn_q.weight",
  ];
  const shuffled = names.toReversed().map((name) => ({ name }));
  const sorted = shuffled.sort(compareTensors).map(({ name }) => name);
  assertEquals(sorted, names);
  // U+FFFF is before U+10000 in bytes, and after it in UTF-16.
  assert(compareTensors({ name: "\uffff" }, { name: "\u{10000}" }) < 0);
});

Deno.test("tensorRole() and isQuantizable() tell matrices by their names", () => {
  assertEquals(tensorRole("blk.3.attn_qkv.weight"), "v");
  assertEquals(tensorRole("blk.3.ffn_down_exps.weight"), "down");
  assertEquals(tensorRole("blk.3.attn_norm.weight"), "other");
  assert(isQuantizable({ name: "blk.0.ffn_up.weight", shape: [32, 2] }));
  assert(!isQuantizable({ name: "blk.0.ffn_up.weight", shape: [32] }));
});

Deno.test("quantizationType() knows llama.cpp's names in any case", () => {
  assertEquals(quantizationType("q4_k_m").fileType, 15);
  assertEquals(quantizationType("Q4_K").name, "Q4_K_M");
  assertEquals(quantizationType("q3_k").name, "Q3_K_M");
  assertEquals(quantizationType("bf16").fileType, 32);
  assertEquals(QUANTIZATION_TYPES.length, 20);
  for (const name of ["", "Q4", "IQ2_XS", "Q4_K_L", "constructor"]) {
    assertThrows(() => quantizationType(name), TypeError, `"${name}"`);
  }
});
