import { assertEquals } from "@std/assert";
import {
  type ModelName,
  parseModelName,
  sizeLabel,
  toTitle,
} from "./model_name.ts";

/** What gguf-py 0.19 makes of names, with the weights that the models have. */
const NAMES: readonly [id: string, parameters: number, parts: ModelName][] = [
  ["huggyllama/llama-13b", 13015864320, {
    name: "llama-13b",
    organization: "huggyllama",
    basename: "llama",
    sizeLabel: "13B",
  }],
  ["meta-llama/Llama-2-7b-chat-hf", 6738415616, {
    name: "Llama-2-7b-chat-hf",
    organization: "meta-llama",
    basename: "Llama-2",
    finetune: "chat-hf",
    sizeLabel: "7B",
  }],
  ["archangel_sft-kto_llama13b", 13015864320, {
    name: "archangel_sft-kto_llama13b",
  }],
  ["mistralai/Mistral-7B-Instruct-v0.2", 7241732096, {
    name: "Mistral-7B-Instruct-v0.2",
    organization: "mistralai",
    basename: "Mistral",
    finetune: "Instruct",
    version: "v0.2",
    sizeLabel: "7B",
  }],
  ["./models/x", 1e6, { name: "models/x" }],
  ["My model", 5, { name: "My model" }],
  ["", 5, {}],
  ["a--b-", 1, { name: "a--b-" }],
  ["7B", 7e9, { name: "7B", finetune: "7B" }],
  ["Yi-34B-200K", 34388917248, {
    name: "Yi-34B-200K",
    basename: "Yi",
    finetune: "200k",
    sizeLabel: "34B",
  }],
  ["bloom-7b1", 7069016064, {
    name: "bloom-7b1",
    basename: "bloom",
    sizeLabel: "7.1B",
  }],
  ["x-small-7B-q4_0", 7e9, {
    name: "x-small-7B-q4_0",
    basename: "x-small",
    sizeLabel: "7B",
  }],
  ["Meta-Llama-3.1-8B-Instruct", 8030261248, {
    name: "Meta-Llama-3.1-8B-Instruct",
    basename: "Meta-Llama-3.1",
    finetune: "Instruct",
    sizeLabel: "8B",
  }],
  ["Llama-3_2-1b-it", 1235814400, {
    name: "Llama-3_2-1b-it",
    basename: "Llama",
    finetune: "3_2-it",
    sizeLabel: "1B",
  }],
];

for (const [id, parameters, parts] of NAMES) {
  Deno.test(`parseModelName() takes ${JSON.stringify(id)} apart`, () => {
    assertEquals(parseModelName(id, parameters), parts);
  });
}

Deno.test("toTitle() writes words as gguf-py does", () => {
  for (
    const [name, title] of [
      ["llama-13b", "Llama 13b"],
      ["archangel_sft-kto_llama13b", "Archangel_Sft Kto_Llama13B"],
      ["Mistral-7B-Instruct-v0.2", "Mistral 7B Instruct v0.2"],
      ["v1.0-x", "v1.0 X"],
      ["don't-stop", "Don'T Stop"],
    ] as const
  ) assertEquals(toTitle(name), title);
});

Deno.test("sizeLabel() rounds as gguf-py does", () => {
  for (
    const [parameters, label] of [
      [13015864320, "13B"],
      [6738415616, "6.7B"],
      [260032, "260K"],
      [999, "1.0K"],
      [1e6, "1000K"],
      [1234567, "1.2M"],
      [9.95e9, "10B"],
      [1.5e12, "1.5T"],
      [5, "0.01K"],
    ] as const
  ) assertEquals(sizeLabel(parameters), label);
});
