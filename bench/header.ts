/**
 * How long it takes until a file's header is read and its tokenizer encodes.
 *
 * Of a file of Llama 13B's shape (363 tensors, 32,000 pieces with scores) and of
 * a vocabulary of 128,256 tokens with 280,147 merges, or of the files given. Each
 * round is a process of its own, as nobody loads a model twice.
 *
 *     deno run -A bench/header.ts [--rounds 5] [FILE...]
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { Tokenizer } from "../src/tokenizer/tokenizer.ts";
import { byteLevel128k, llama13b, writeHollow } from "./synthetic/header.ts";

const TEXT = "The quick brown fox jumps over the lazy dog; 12345 times.\n";

/** Milliseconds of a round. */
interface Round {
  /** Until the header is read. */
  header: number;
  /** From then on until there is a tokenizer. */
  tokenizer: number;
  /** From then on until it has encoded a text. */
  encode: number;
  /** CPU time of all that, of all threads: others may run beside it. */
  cpu: number;
}

async function runOnce(path: string): Promise<Round> {
  const before = cpuUsage();
  const start = performance.now();
  await using source = await openSource(path);
  const { metadata } = await readGguf(source);
  const header = performance.now();
  const tokenizer = Tokenizer.fromMetadata(metadata);
  const made = performance.now();
  tokenizer.encode(TEXT);
  const end = performance.now();
  const { user, system } = cpuUsage(before);
  return {
    header: header - start,
    tokenizer: made - header,
    encode: end - made,
    cpu: (user + system) / 1000,
  };
}

async function runChild(path: string): Promise<Round> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.filename!, "--once", path],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot measure "${path}": the round failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function measure(path: string, count: number): Promise<string> {
  const rounds: Round[] = [];
  for (let i = 0; i < count; i++) rounds.push(await runChild(path));
  const median = (value: (round: Round) => number) =>
    rounds.map(value).sort((a, b) => a - b)[count >> 1]!.toFixed(0);
  return `header ${median((r) => r.header)} ms, ` +
    `tokenizer ${median((r) => r.tokenizer)} ms, ` +
    `first text ${median((r) => r.encode)} ms, ` +
    `ready after ${median((r) => r.header + r.tokenizer + r.encode)} ms ` +
    `(${median((r) => r.cpu)} ms of CPU time)`;
}

async function print(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) {
  const args = [...Deno.args];
  if (args[0] === "--once") {
    await print(JSON.stringify(await runOnce(args[1]!)));
    Deno.exit(0);
  }
  const rounds = args[0] === "--rounds" ? Number(args.splice(0, 2)[1]) : 5;
  for (const path of args) {
    await print(`${path}: ${await measure(path, rounds)}`);
  }
  if (args.length === 0) {
    const folder = await Deno.makeTempDir();
    try {
      for (const make of [llama13b, byteLevel128k]) {
        const path = `${folder}/${make.name}.gguf`;
        await writeHollow(path, make());
        await print(`${make.name}: ${await measure(path, rounds)}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
}
