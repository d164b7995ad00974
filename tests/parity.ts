/**
 * Holds models against goldens of another engine, in one batch, in chunks of 7
 * and token by token, and prints a table.
 *
 *     deno run -A tests/parity.ts [--int8] [--ways [--kv=TYPE]] FOLDER_OF_MODELS FOLDER_OF_GOLDENS [NAME ...]
 *
 * `--int8` rounds activations to 8 bits: then only the logits are held to a limit.
 * `--ways` computes the greedy ids in every way instead: steps at a time, reuse,
 * guesses, sampler, worker and types of KV cache (or one: `--kv=f32`).
 * A golden `NAME.json` belongs to `NAME.gguf`; its runs have `ids`, and may have
 * `argmax` with `margin`, `loglikelihood`, `greedy` ids and a file of `logits`.
 *
 * @module
 */

import { type GenerateOptions, loadModel, type Model } from "../mod.ts";
import { continueIds, scoredLogits } from "./engine.ts";
import { nmse } from "./gpu.ts";

interface GoldenRun {
  prompt: string;
  ids: number[];
  loglikelihood: number;
  argmax: number[];
  margin: number[];
  greedy: { ids: number[]; margin: number[] };
  logits?: string;
  logitsRows?: string;
}

/** A margin below which two tokens may change places. */
const MARGIN = 0.01;

/** Most NMSE of logits: f32 activations stay below 1e-11. */
const LIMIT = { f32: 1e-9, int8: 2e-3 } as const;

/** Prompt tokens in one step; with int8 each takes other kernels. */
const BATCHES = [512, 7, 1];

const activations = Deno.args.includes("--int8") ? "int8" : "f32";
const [models, goldens, ...names] = Deno.args.filter((arg) =>
  !arg.startsWith("--")
);
if (models === undefined || goldens === undefined) {
  throw new TypeError("Cannot compare: two folders are wanted");
}
const files = names.length > 0 ? names : listGoldens(goldens);
let failed = 0;
/** With `--kv=f32` that type alone. */
const KV_TYPES = (["f32", "f16", "q8_0"] as const).filter((type) =>
  !Deno.args.some((arg) => arg.startsWith("--kv=") && arg !== `--kv=${type}`)
);
const compareFile = Deno.args.includes("--ways") ? compareWays : compare;
for (const name of files) await compareFile(name);
Deno.exit(failed > 0 ? 1 : 0);

function listGoldens(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter((entry) => entry.isFile && entry.name.endsWith(".json"))
    .map((entry) => entry.name.slice(0, -5))
    .filter((name) => fileExists(`${models}/${name}.gguf`))
    .sort();
}

function fileExists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function compare(name: string): Promise<void> {
  const golden = JSON.parse(
    await Deno.readTextFile(`${goldens}/${name}.json`),
  ) as { runs: GoldenRun[] };
  for (const batchSize of BATCHES) {
    try {
      await using model = await loadModel(`${models}/${name}.gguf`, {
        kv: "f32",
        batchSize,
        activations,
      });
      for (const run of golden.runs) {
        print(name, batchSize, await compareRun(model, run));
      }
    } catch (error) {
      print(name, batchSize, `${error}`);
      return;
    }
  }
}

async function compareRun(model: Model, run: GoldenRun): Promise<string> {
  const rows = await scoredLogits(model, run.ids);
  const wrong =
    rows.filter((row, i) =>
      run.margin[i]! > MARGIN && row.indexOf(Math.max(...row)) !== run.argmax[i]
    ).length;
  const { loglikelihood } = await model.score(run.ids);
  const ids = await continueIds(model, run.ids, {
    maxTokens: run.greedy.ids.length,
  });
  const differs = run.greedy.ids.findIndex((id, i) => id !== ids[i]);
  // Behind a step that could go either way, the texts are different ones.
  const greedy = differs < 0 || run.greedy.margin[differs]! <= MARGIN;
  if (activations === "f32" && (wrong > 0 || !greedy)) failed++;
  return [
    `prompt ${run.prompt}`,
    run.logits === undefined ? "" : `NMSE ${await error(rows, run)}`,
    `argmax wrong ${wrong}/${rows.length}`,
    `log-likelihood off by ${
      (loglikelihood - run.loglikelihood).toExponential(1)
    }`,
    `greedy ${differs < 0 ? "equal" : `differs at ${differs}`}`,
  ].filter((part) => part !== "").join(", ");
}

async function error(rows: Float32Array[], run: GoldenRun): Promise<string> {
  const bytes = await Deno.readFile(`${goldens}/${run.logits}`);
  const expected = new Float32Array(bytes.buffer);
  const actual = run.logitsRows === "last"
    ? rows.at(-1)!
    : rows.flatMap((row) => [...row]);
  const error = nmse(actual, expected);
  if (!(error <= LIMIT[activations])) failed++;
  return error.toExponential(1);
}

/** Every way to compute tokens, of one model. */
function listWays(): GenerateOptions[] {
  return [1, 5, undefined].flatMap((steps) =>
    [true, false].flatMap((reuse) => [
      ...(["lookup", "off"] as const).map((speculation) => ({
        steps,
        reuse,
        speculation,
      })),
      ...(steps === 1 ? [{ steps, reuse, sampler: "cpu" as const }] : []),
    ])
  );
}

async function compareWays(name: string): Promise<void> {
  const golden = JSON.parse(
    await Deno.readTextFile(`${goldens}/${name}.json`),
  ) as { runs: GoldenRun[] };
  for (const kv of KV_TYPES) {
    const first = new Map<string, string>();
    // One batch, and cut: how it is cut shows in the prompt alone.
    for (const batchSize of BATCHES.slice(0, 2)) {
      for (const worker of batchSize === BATCHES[0] ? [false, true] : [false]) {
        await using model = await loadModel(`${models}/${name}.gguf`, {
          kv,
          batchSize,
          activations,
          worker,
        });
        const where = `KV ${kv}${worker ? ", worker" : ""}`;
        for (const run of golden.runs) {
          const said = await sayInEveryWay(model, run);
          const before = first.get(run.prompt) ?? said[0]!;
          first.set(run.prompt, before);
          const others = said.filter((ids) => ids !== before).length;
          const { ids, margin } = run.greedy;
          const differs = JSON.parse(before)
            .findIndex((id: number, i: number) => id !== ids[i]);
          const isGolden = differs < 0 || margin[differs]! <= MARGIN;
          // A cache that rounds may say something else, but always the same.
          const isExact = kv === "f32" && activations === "f32";
          if (others > 0 || (isExact && !isGolden)) failed++;
          const greedy = differs < 0 ? "equal" : `differs at ${differs}`;
          print(
            name,
            batchSize,
            `${where}, prompt ${run.prompt}: ${said.length} ways, ${others} differ, golden ${greedy}`,
          );
        }
      }
    }
  }
}

async function sayInEveryWay(
  model: Model,
  { ids, greedy }: GoldenRun,
): Promise<string[]> {
  const said: string[] = [];
  for (const way of listWays()) {
    const maxTokens = greedy.ids.length;
    said.push(
      JSON.stringify(await continueIds(model, ids, { ...way, maxTokens })),
    );
  }
  return said;
}

function print(name: string, batchSize: number, text: string): void {
  const line = `${name} (batch ${batchSize}): ${text}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}
