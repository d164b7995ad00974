/**
 * Seraph against llama.cpp with the same model file: see `run.sh`, which
 * installs llama.cpp and calls this, and `README.md`.
 *
 * Every engine measures every test in every round, one after the other, so that
 * other work on the machine hits all alike. A visit is one run to warm up and
 * two that count.
 *
 * @module
 */

import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import {
  AbsentError,
  createSeraph,
  type Engine,
  PEERS,
  startLlamaCpp,
  type Test,
} from "./engines.ts";
import {
  type Comparison,
  formatComparison,
  type Measured,
  testName,
} from "./table.ts";

const TESTS: readonly Test[] = [
  { nPrompt: 64, nGen: 0 },
  { nPrompt: 512, nGen: 0 },
  { nPrompt: 0, nGen: 32 },
  { nPrompt: 0, nGen: 128 },
];
const REPETITIONS = 2;
const DEFAULT_MODEL = "models/tiny-archangel-q8_0.gguf";

interface Options {
  cache: string;
  rounds: number;
  cpu: boolean;
}

async function compare(model: string, options: Options): Promise<Comparison> {
  await using engines = new AsyncDisposableStack();
  const seraph = createSeraph(model);
  const runs: { engine: Engine; measured: Measured }[] = [{
    engine: seraph,
    measured: { engine: seraph.name, samplesTs: {} },
  }];
  const failures: Measured[] = [];
  const absent: string[] = [];
  for (const peer of PEERS) {
    if (peer.backend === "cpu" && !options.cpu) continue;
    say(`${model}: loading ${peer.name}`);
    try {
      const engine = await startLlamaCpp(model, { ...options, peer });
      engines.use(engine);
      const { name, device } = engine;
      runs.push({ engine, measured: { engine: name, device, samplesTs: {} } });
    } catch (error) {
      if (error instanceof AbsentError) {
        absent.push(`${peer.name} is left out: ${error.message}`);
        say(absent.at(-1)!);
        continue;
      }
      const measured = { engine: peer.name, samplesTs: {} };
      failures.push({ ...measured, error: messageOf(error) });
    }
  }
  const most = runs[1]?.engine.contextLength ?? Infinity;
  for (let round = 0; round < options.rounds; round++) {
    for (const test of TESTS) {
      const name = testName(test);
      if (test.nPrompt + test.nGen > most) {
        if (round === 0) say(`${name} is left out: the context is ${most}`);
        continue;
      }
      // Nobody always goes first.
      for (const run of round % 2 === 0 ? runs : runs.toReversed()) {
        if (run.measured.error !== undefined) continue;
        await visit(run, test, `round ${round + 1}, ${name}`);
      }
    }
  }
  const measured = [...runs.map(({ measured }) => measured), ...failures];
  const vulkan = measured.filter(({ engine }) => engine.includes("Vulkan"));
  const own = measured[0]?.device;
  const sameDevice = own !== undefined &&
    vulkan.every(({ device }) => device === own);
  return { model, engines: measured, absent, sameDevice };
}

async function visit(
  { engine, measured }: { engine: Engine; measured: Measured },
  test: Test,
  label: string,
): Promise<void> {
  try {
    const samples = await engine.measure(test, REPETITIONS);
    (measured.samplesTs[testName(test)] ??= []).push(...samples);
    measured.device = engine.device;
    const figures = samples.map((value) => value.toFixed(1)).join(" ");
    say(`${label}, ${engine.name}: ${figures} tokens/s`);
  } catch (error) {
    measured.error = messageOf(error);
    say(`${label}, ${engine.name} failed: ${measured.error}`);
  }
}

/** Seraph's commit, `-dirty` where files differ from it. */
async function revision(): Promise<string> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["describe", "--always", "--dirty", "--abbrev=9"],
      stderr: "null",
    }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return "of an unknown commit";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      cache: { type: "string" },
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
      "no-cpu": { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.cache === undefined) {
    throw new TypeError("Cannot compare: no --cache is given, use run.sh");
  }
  const options = {
    cache: values.cache,
    rounds: Number(values.rounds),
    cpu: !values["no-cpu"],
  };
  const models = positionals.length > 0 ? positionals : [DEFAULT_MODEL];
  const results: Comparison[] = [];
  const load = loadavg();
  // Now: the files may change in the minutes that it takes.
  const seraph = await revision();
  for (const model of models) {
    const result = await compare(model, options);
    results.push(result);
    if (!values.json) print(`${formatComparison(result, TESTS)}\n`);
  }
  const machine = { seraph, cores: cpus().length, load, loadAfter: loadavg() };
  if (values.json) print(JSON.stringify({ machine, results }, null, 2));
  else {
    print(
      `Seraph ${seraph}; medians of ${options.rounds * REPETITIONS} runs; ` +
        `${machine.cores} ` +
        `cores, load ${load[0]?.toFixed(1)} at the start and ` +
        `${machine.loadAfter[0]?.toFixed(1)} at the end.`,
    );
  }
  const isWhole = results.every(({ engines, sameDevice }) =>
    sameDevice && engines.every(({ error }) => error === undefined)
  );
  if (!isWhole) Deno.exitCode = 1;
}
