// What holding a text to a grammar costs: milliseconds a token with and without,
// in turns.
//
//   deno run -A bench/structure.ts [model] [rounds] [tokens]

import {
  type GenerateOptions,
  type Grammar,
  loadModel,
  type Model,
} from "../mod.ts";
import { summarize } from "../src/bench/statistics.ts";

const STRING = { type: "string", minLength: 1 };
const PERSON = {
  type: "object",
  properties: {
    name: { ...STRING, maxLength: 40 },
    age: { type: "integer", minimum: 0, maximum: 120 },
    tags: { type: "array", items: { enum: ["a", "b", "c"] } },
    note: STRING,
  },
  required: ["name", "age", "note"],
  additionalProperties: false,
};

/** Grammars whose texts are long, for so many tokens. */
function grammarsFor(tokens: number): Record<string, Grammar> {
  return {
    "objects of strings and numbers": {
      kind: "json",
      schema: {
        type: "array",
        items: PERSON,
        minItems: Math.ceil(tokens / 40),
      },
    },
    "a string of some length": {
      kind: "json",
      schema: { type: "string", minLength: tokens / 2, maxLength: 4 * tokens },
    },
    "any items": {
      kind: "json",
      schema: { type: "array", items: {}, minItems: Math.ceil(tokens / 3) },
    },
    "a regular expression": {
      kind: "regex",
      pattern: "[A-Za-z ,.'!?]*THE END",
    },
  };
}

/** Milliseconds of each token behind the first. */
async function msPerToken(
  model: Model,
  options: GenerateOptions,
): Promise<number> {
  const generation = model.generate("Tell me a story.", {
    temperature: 1,
    speculation: "off",
    ...options,
  });
  // The token that ends a text has taken a pass as well.
  const { length } = await Array.fromAsync(generation);
  return (await generation.result()).timings.decodeMs / (length - 1);
}

const [path = "models/tiny-archangel-q8_0.gguf", rounds = "9", tokens = "96"] =
  Deno.args;
await using model = await loadModel(path);
const print = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const median = (values: readonly number[]) => summarize(values).median;
const maxTokens = Number(tokens);
for (const [name, grammar] of Object.entries(grammarsFor(maxTokens))) {
  const without: number[] = [];
  const single: number[] = [];
  const held: number[] = [];
  for (let round = 0; round <= Number(rounds); round++) {
    const seed = round;
    const free = { maxTokens, seed, ignoreEos: true };
    without.push(await msPerToken(model, free));
    single.push(await msPerToken(model, { ...free, steps: 1 }));
    held.push(await msPerToken(model, { maxTokens, seed, grammar }));
  }
  // The first round warms up. What runs beside it slows a round as a whole, so
  // that ratios are taken within rounds.
  const ratio = (others: readonly number[]) => {
    const ratios = held.map((ms, round) => ms / others[round]!).slice(1);
    return `${((median(ratios) - 1) * 100).toFixed(1)} %`;
  };
  print(
    `${name}: ${median(held.slice(1)).toFixed(2)} ms a token, ${
      median(without.slice(1)).toFixed(2)
    } without (${ratio(without)}), ${
      median(single.slice(1)).toFixed(2)
    } where each token is read back (${ratio(single)})`,
  );
}
