// Generates texts of random schemas, and checks each of them:
//
//   deno run -A tests/structure_random.ts --seed 1 --count 1000

import { parseArgs } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { loadModel, type Model } from "../mod.ts";
import type { JsonSchema } from "../src/structure/schema.ts";
import { projectFile } from "./engine.ts";
import { seeded } from "./gguf_mutate.ts";
import { SchemaMaker } from "./random_schema.ts";
import { parseStrictly } from "./strict_json.ts";

/** What formats are checked by. */
const FORMATS: Readonly<Record<string, RegExp | ((text: string) => boolean)>> =
  {
    date: (text) => !Number.isNaN(Date.parse(`${text}T00:00:00Z`)),
    time: /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?Z$/,
    "date-time": (text) => !Number.isNaN(Date.parse(text)),
    email: /^[a-z0-9._]+@[a-z0-9]+(\.[a-z0-9]+)+$/,
    uuid:
      /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ipv4: /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/,
    uri: (text) => URL.canParse(text),
  };

/** What random schemas came to. */
export interface RandomOutcome {
  /** Texts that were generated and are valid. */
  valid: number;
  /** Schemas that are refused, with the reason. */
  refused: { schema: JsonSchema; reason: string }[];
  /** What is wrong: there should be nothing. */
  wrong: { schema: JsonSchema; text: string; problem: string }[];
  /** Tokens of all texts. */
  tokens: number;
}

/** Options for {@linkcode runRandom}. */
export interface RandomOptions {
  /** Texts that are wanted. */
  count: number;
  /** Says which schemas, and which texts. */
  seed: number;
}

/**
 * Generates texts of random schemas.
 *
 * @param model The model.
 * @param options How many, and which.
 * @returns What they came to.
 */
export async function runRandom(
  model: Model,
  { count, seed }: RandomOptions,
): Promise<RandomOutcome> {
  const random = seeded(seed);
  const maker = new SchemaMaker(random);
  const outcome: RandomOutcome = {
    valid: 0,
    refused: [],
    wrong: [],
    tokens: 0,
  };
  for (let i = 0; outcome.valid + outcome.wrong.length < count; i++) {
    const schema = maker.make();
    const maxTokens = 1 + Math.floor(random() * 200);
    let text = "";
    try {
      const result = await generate(model, { schema, maxTokens, seed: i });
      text = result.text;
      outcome.tokens += result.ids.length;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!(error instanceof TypeError)) {
        outcome.wrong.push({ schema, text, problem: reason });
      } else outcome.refused.push({ schema, reason });
      continue;
    }
    const problem = problemOf(schema, text);
    if (problem === undefined) outcome.valid++;
    else outcome.wrong.push({ schema, text, problem });
  }
  return outcome;
}

/** Generates one text, of more tokens where so few are not enough. */
async function generate(
  model: Model,
  { schema, maxTokens, seed }: {
    schema: JsonSchema;
    maxTokens: number;
    seed: number;
  },
) {
  const generateWith = (maxTokens: number) =>
    model.generate("Once upon a time", {
      grammar: { kind: "json", schema },
      // The model's own choice, and flatter ones, which get everywhere.
      temperature: [1, 2, 5][seed % 3]!,
      maxTokens,
      seed,
    }).result();
  try {
    return await generateWith(maxTokens);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const least = Number(/takes (\d+) tokens/.exec(error.message)?.[1]);
    return await generateWith(least);
  }
}

function problemOf(schema: JsonSchema, text: string): string | undefined {
  const ajv = new Ajv2020({
    strictSchema: true,
    strictNumbers: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    ownProperties: true, // or a property named "toString" is always there
    formats: FORMATS,
  });
  try {
    const value = parseStrictly(text);
    const validate = ajv.compile(schema);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      count: { type: "string", default: "1000" },
      model: { type: "string", default: "models/stories260k-f32.gguf" },
    },
  });
  await using model = await loadModel(projectFile(values.model));
  const start = performance.now();
  const { valid, refused, wrong, tokens } = await runRandom(model, {
    count: Number(values.count),
    seed: Number(values.seed),
  });
  const seconds = (performance.now() - start) / 1000;
  const print = (line: string) =>
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  for (const { schema, text, problem } of wrong) {
    print(`WRONG: ${problem}\n  ${JSON.stringify(schema)}\n  ${text}`);
  }
  for (const { reason } of refused) print(`refused: ${reason}`);
  print(
    `${valid} valid, ${wrong.length} wrong, ${refused.length} refused; ${tokens} tokens in ${
      seconds.toFixed(1)
    } s`,
  );
  if (wrong.length > 0) Deno.exitCode = 1;
}
