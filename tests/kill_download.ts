/**
 * Kills a program that downloads at random moments, with `SIGKILL`, and looks at
 * what it leaves: never a file that is not whole, and never a map that claims
 * bytes that are not there. Then the next attempt has to go on and come to a good
 * file.
 *
 *     deno run -A tests/kill_download.ts COUNT SEED
 *
 * @module
 */

import { join } from "node:path";
import { sha256 } from "./fake_hub.ts";
import { seeded } from "./gguf_mutate.ts";
import { HostileServer } from "./hostile_server.ts";
import { projectFile } from "./engine.ts";

/** What came of it. */
export interface KillReport {
  /** Programs that were killed while they worked. */
  kills: number;
  /** How many of them left a part that the next one could go on with. */
  parts: number;
  /** Programs that came to their end, each with a good file. */
  ends: number;
  /** Bytes that the server has sent, as times the file's size. */
  sent: number;
}

/** Options for {@linkcode killDownloads}. */
export interface KillOptions {
  /** Programs to kill. */
  count: number;
  /** Chooses the moments. */
  seed: number;
  /** Bytes of the file. Defaults to 6 MB. */
  bytes?: number;
}

/** Of a part, the map that says what is there. */
interface PartMap {
  done: [start: number, end: number][];
}

/** Downloads a file again and again, and kills who does it. */
export async function killDownloads(
  { count, seed, bytes: size = 6_000_000 }: KillOptions,
): Promise<KillReport> {
  const random = seeded(seed);
  const file = Uint8Array.from({ length: size }, (_, i) => i * i >> 8 ^ i);
  await using server = new HostileServer({ "/m.bin": file });
  server.behave = () => ({ delayMs: 4, pieceBytes: 40_000 });
  const folder = await Deno.makeTempDir();
  const report: KillReport = { kills: 0, parts: 0, ends: 0, sent: 0 };
  const url = server.url("/m.bin").href;
  try {
    const whole = (await run(url, folder))!;
    await check(folder, file);
    while (report.kills < count) {
      if (random() < 0.5) await clear(folder);
      const isKilled = await run(url, folder, random() * whole) === undefined;
      const found = await check(folder, file);
      if (isKilled) report.kills++;
      else report.ends++;
      if (isKilled && found.isPart) report.parts++;
      if (!isKilled && !found.isWhole) throw new Error("no file at the end");
    }
    // The last one goes on where those before were killed.
    await run(url, folder);
    const { isWhole } = await check(folder, file);
    if (!isWhole) throw new Error("no file at the end");
    report.ends++;
    report.sent = server.sentBytes / size;
    return report;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a download; `undefined` if it was killed before its end. */
async function run(
  url: string,
  folder: string,
  killAfterMs?: number,
): Promise<number | undefined> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--cached-only",
      projectFile("tests/kill_download_child.ts").href,
      url,
      folder,
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const timer = killAfterMs === undefined
    ? undefined
    : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const { code, signal, stderr } = await child.output();
  clearTimeout(timer);
  if (signal === "SIGKILL") return undefined;
  if (code === 0) return performance.now() - start;
  throw new Error(new TextDecoder().decode(stderr));
}

/** Looks at what is there, and that none of it is wrong. */
async function check(
  folder: string,
  file: Uint8Array,
): Promise<{ isWhole: boolean; isPart: boolean }> {
  let isWhole = false;
  let isPart = false;
  for (const path of await filesIn(folder)) {
    if (path.endsWith("m.bin.map")) {
      const part = await Deno.readFile(path.replace(/map$/, "part"));
      const { done }: PartMap = JSON.parse(await Deno.readTextFile(path));
      isPart = done.length > 0;
      for (const [start, end] of done) {
        if (same(part, file, start, end)) continue;
        throw new Error(`the map claims bytes ${start} to ${end}`);
      }
    }
    if (!path.endsWith("m.bin")) continue;
    const found = sha256(await Deno.readFile(path));
    if (found !== sha256(file)) throw new Error("a file is not whole");
    const record = join(path, "../.seraph/m.bin.json");
    isWhole = JSON.parse(await Deno.readTextFile(record)).sha256 === found;
    if (!isWhole) throw new Error("a record is of another file");
  }
  return { isWhole, isPart };
}

function same(a: Uint8Array, b: Uint8Array, start: number, end: number) {
  return a.subarray(start, end).every((byte, i) => byte === b[start + i]);
}

async function clear(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(folder);
}

async function filesIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    paths.push(...isDirectory ? await filesIn(path) : [path]);
  }
  return paths;
}

if (import.meta.main) {
  const [count = 20, seed = 1] = Deno.args.map(Number);
  // deno-lint-ignore no-console -- a program
  console.log(await killDownloads({ count, seed }));
}
