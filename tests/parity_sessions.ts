/**
 * Does with sessions all that can be done, on models of another engine's goldens,
 * and holds the greedy ids against a fresh run's and the goldens'. Prints a line
 * a model, prompt and type of KV cache.
 *
 *     deno run -A tests/parity_sessions.ts [--worker] [--kv=TYPE] FOLDER_OF_MODELS FOLDER_OF_GOLDENS [NAME ...]
 *
 * @module
 */

import { type KvType, loadModel, type Model, type Session } from "../mod.ts";
import { continueIds } from "./engine.ts";
import type { GoldenRun } from "./goldens.ts";

/** A margin below which two tokens may change places. */
const MARGIN = 0.01;

const GREEDY = { ignoreEos: true } as const;
const [models, goldens, ...names] = Deno.args.filter((arg) =>
  !arg.startsWith("--")
);
if (models === undefined || goldens === undefined) {
  throw new TypeError("Cannot compare: two folders are wanted");
}
const worker = Deno.args.includes("--worker");
const kvTypes = (["f32", "f16", "q8_0"] as const).filter((type) =>
  !Deno.args.some((arg) => arg.startsWith("--kv=") && arg !== `--kv=${type}`)
);
const folder = await Deno.makeTempDir();
let failed = 0;

function listGoldens(goldens: string): string[] {
  const has = new Set([...Deno.readDirSync(models!)].map(({ name }) => name));
  return [...Deno.readDirSync(goldens)]
    .map(({ name }) => name.replace(/\.json$/, ""))
    .filter((name) => has.has(`${name}.gguf`))
    .sort();
}

async function compare(name: string, kv: KvType): Promise<void> {
  const path = `${models}/${name}.gguf`;
  const text = await Deno.readTextFile(`${goldens}/${name}.json`);
  const { runs } = JSON.parse(text) as { runs: GoldenRun[] };
  // Room for one cache: sessions that are not in use are on the CPU.
  await using model = await loadModel(path, { kv, worker, kvMemory: 1 });
  for (const run of runs) {
    const { ids, greedy } = run;
    const fresh = await continueIds(model, ids, {
      maxTokens: greedy.ids.length,
    });
    const differs = fresh.findIndex((id, i) => id !== greedy.ids[i]);
    const isGolden = differs < 0 || greedy.margin[differs]! <= MARGIN;
    const bad = await check(model, ids, fresh);
    bad.push(...await checkShift(path, kv, ids));
    if (bad.length > 0 || (kv === "f32" && !isGolden)) failed++;
    print(
      `${name}, KV ${kv}, prompt ${run.prompt}: golden ${
        differs < 0 ? "equal" : `differs at ${differs}`
      }, sessions ${bad.length === 0 ? "equal" : `differ: ${bad.join(", ")}`}`,
    );
  }
}

/** What a session does, and the ids that it comes to. */
type Act = (session: Session, most: number) => Promise<number[]>;

/** Goes on until there are so many tokens. */
async function goOn(session: Session, length: number): Promise<void> {
  const maxTokens = length - session.length;
  await session.generate({ ...GREEDY, maxTokens }).result();
}

const ACTS: Record<string, Act> = {
  async pieces(session, most) {
    const start = session.length;
    for (const part of [1, 8, 9, 31]) {
      if (start + part < most) await goOn(session, start + part);
    }
    await goOn(session, most);
    return session.ids;
  },
  async save(session, most) {
    await goOn(session, session.length + 13);
    await session.save(`${folder}/saved`);
    return session.ids.slice(0, most);
  },
  async rewind(session, most) {
    const start = session.length;
    await goOn(session, most);
    for (const length of [most - 1, start + 20, start + 1, start]) {
      session.rewind(length);
      await goOn(session, most);
    }
    return session.ids;
  },
  async fork(session, most) {
    await goOn(session, session.length + 9);
    await using fork = await session.fork();
    fork.append([fork.ids.at(-1)!, fork.ids.at(-2)!]);
    await Promise.all([goOn(session, most), goOn(fork, fork.length + 20)]);
    const prompt = fork.ids.slice(0, -20);
    return [...session.ids, ...fork.ids.slice(-20), ...prompt];
  },
};

/** Does everything, and names what came out wrong. */
async function check(
  model: Model,
  ids: readonly number[],
  fresh: readonly number[],
): Promise<string[]> {
  const bad: string[] = [];
  const all = [...ids, ...fresh];
  const expect = (what: string, actual: number[], expected: number[]) => {
    if (actual.join() !== expected.join()) bad.push(what);
  };
  for (const [name, act] of Object.entries(ACTS)) {
    await using session = model.session();
    // In two: a prompt is the same however it comes.
    session.append(ids.slice(0, 5)).append(ids.slice(5));
    const actual = await act(session, all.length);
    if (name === "save") {
      await using restored = await model.restoreSession(`${folder}/saved`);
      await Promise.all([
        goOn(session, all.length),
        goOn(restored, all.length),
      ]);
      expect("restore", restored.ids, all);
      expect("save", session.ids, all);
    } else if (name === "fork") {
      const prompt = actual.slice(all.length + 20);
      expect("fork", actual.slice(0, all.length + 20), [
        ...all,
        ...await continueIds(model, prompt, { maxTokens: 20 }),
      ]);
    } else expect(name, actual, all);
  }
  // Answers that come to a session as its prompt.
  await using session = model.session();
  session.append(ids);
  await goOn(session, ids.length + 10);
  session.append(ids.slice(0, 3));
  const prompt = session.ids;
  await goOn(session, prompt.length + 30);
  expect("append", session.ids.slice(prompt.length), [
    ...await continueIds(model, prompt, { maxTokens: 30 }),
  ]);
  bad.push(...await checkBatch(model, ids, fresh));
  return bad;
}

/** Texts of several lengths at once, each as it is alone. */
async function checkBatch(
  model: Model,
  ids: readonly number[],
  fresh: readonly number[],
): Promise<string[]> {
  const prompts = [ids, ids.slice(0, -1), ids.slice(0, 9), ids.slice(0, 2)];
  const lengths = [fresh.length, 40, 50, 12];
  const say = (i: number) =>
    continueIds(model, prompts[i]!, { maxTokens: lengths[i]! });
  const alone: number[][] = [];
  for (const i of prompts.keys()) alone.push(await say(i));
  const together = await Promise.all([...prompts.keys()].map(say));
  const isEqual = together.join(" ") === alone.join(" ") &&
    together[0]!.join() === fresh.join();
  return isEqual ? [] : ["batch"];
}

/** A context that is too short, against fresh runs of what is left of it. */
async function checkShift(
  path: string,
  kv: KvType,
  ids: readonly number[],
): Promise<string[]> {
  const contextLength = 40;
  await using model = await loadModel(path, { kv, worker, contextLength });
  await using session = model.session({ onFull: "shift", sinks: 4 });
  session.append(ids);
  const { ids: said } = await session.generate({ ...GREEDY, maxTokens: 64 })
    .result();
  const expected: number[] = [];
  let text = [...ids];
  while (expected.length < 64) {
    if (text.length > contextLength) {
      text = [...text.slice(0, 4), ...text.slice(-18)];
    }
    const room = contextLength + 1 - text.length;
    const maxTokens = Math.min(room, 64 - expected.length);
    const next = await continueIds(model, text, { maxTokens });
    expected.push(...next);
    text = [...text, ...next];
  }
  return said.join() === expected.join() && session.ids.join() === text.join()
    ? []
    : ["shift"];
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

try {
  for (const name of names.length > 0 ? names : listGoldens(goldens)) {
    for (const kv of kvTypes) await compare(name, kv);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
print(failed > 0 ? `${failed} differ` : "all equal");
Deno.exit(failed > 0 ? 1 : 0);
