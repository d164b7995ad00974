/**
 * Converts a checkpoint to several types, and sees to it that llama.cpp loads
 * each file, tokenizes as Seraph does, and continues the same prompts with the
 * same ids.
 *
 *     deno run -A tests/convert_peer.ts --cache DIR [--folder CHECKPOINT]
 *       [--types bf16,q8_0,q4_k_m] [--count 24] [--activations f32] [--keep DIR]
 *
 * `--cache` is the folder that `bench/peers/run.sh` has installed node-llama-cpp
 * to, or any with it in `node_modules`. Without a checkpoint, one is made of the
 * embedded model's weights, in three BF16 shards.
 *
 * Ids may part where the best two logits are closer together than arithmetic is
 * exact: llama.cpp rounds activations to 8 or 16 bits on the CPU. The margin at
 * that place is printed, and one of more than `--margin`, 0.05 by default, fails.
 * The same prompt is then put to llama.cpp with the same weights as F32, for
 * which it rounds nothing: there the ids have to be the same.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { join } from "node:path";
import { TextLineStream } from "../bench/peers/lines.ts";
import { convertCheckpoint, loadModel, quantizeFile } from "../mod.ts";
import { makeCheckpoint } from "./checkpoint/make.ts";
import { projectFile } from "./engine.ts";

const PROMPTS = [
  "\n<|user|>\nHi!\n<|assistant|>\n<|good|>",
  "\n<|user|>\nHow are you?\n<|assistant|>\n<|bad|>",
  "\n<|user|>\nWhat is 12 + 7?\n<|assistant|>\n<|good|>",
  "\n<|user|>\nWhat color is the sky?\n<|assistant|>\n",
  "\n<|user|>\n  two spaces, \ttabs: äöü 漢字 😀\n<|assistant|>\n<|good|>",
];

/** What llama.cpp answers. */
interface Answer {
  prompt: number[];
  ids: number[];
  margins: number[];
}

/** llama.cpp with a model. */
interface Peer extends Disposable {
  release: string;
  ask(text: string, count: number): Promise<Answer>;
}

async function startPeer(cache: string, model: string): Promise<Peer> {
  const child = new Deno.Command("node", {
    args: [join("bench", "peers", "greedy.mjs"), cache, model],
    cwd: projectFile("."),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const read = async () => {
    const { value } = await reader.read();
    const message = value === undefined ? {} : JSON.parse(value);
    if (message.error !== undefined || value === undefined) {
      throw new Error(`llama.cpp fails on "${model}": ${message.error ?? "?"}`);
    }
    return message;
  };
  const { release } = await read();
  return {
    release,
    async ask(text, count) {
      const line = JSON.stringify({ text, count }) + "\n";
      await writer.write(new TextEncoder().encode(line));
      return await read();
    },
    [Symbol.dispose]: () => child.kill(),
  };
}

/** What became of a prompt. */
interface Comparison {
  /** Whether it is as it should be. */
  ok: boolean;
  /** Whether the ids part somewhere. */
  parts: boolean;
  /** What to print. */
  line: string;
}

/** Compares the answers to a prompt. */
async function compare(
  model: Awaited<ReturnType<typeof loadModel>>,
  peer: Peer,
  { text, count, most }: { text: string; count: number; most: number },
): Promise<Comparison> {
  const { prompt, ids, margins } = await peer.ask(text, count);
  const own = model.tokenizer.encode(text, { special: true });
  if (own.join() !== prompt.join()) {
    return {
      ok: false,
      parts: false,
      line: `other tokens: ${own} and ${prompt}`,
    };
  }
  const generation = model.generate(prompt, {
    maxTokens: count,
    temperature: 0,
    ignoreEos: true,
  });
  const result = await generation.result();
  // What follows the end of an answer is beyond what the model was trained on.
  const { eosId } = model.tokenizer;
  const end = ids.findIndex((id) => id === eosId) + 1 || ids.length;
  const at = ids.slice(0, end).findIndex((id, i) => id !== result.ids[i]);
  const least = Math.min(...margins.slice(0, end)).toFixed(3);
  if (at < 0) {
    const line = `${end} equal, least margin ${least}`;
    return { ok: true, parts: false, line };
  }
  const margin = margins[at]!;
  return {
    ok: margin <= most,
    parts: true,
    line:
      `${at} equal, then ${result.ids[at]} and ${ids[at]} with a margin of ` +
      margin.toFixed(4),
  };
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** How answers are compared. */
interface CompareOptions {
  count: number;
  most: number;
}

/** Compares the answers to prompts, and says so. */
async function compareAll(
  model: Awaited<ReturnType<typeof loadModel>>,
  peer: Peer,
  prompts: readonly string[],
  options: CompareOptions,
): Promise<{ failures: number; parted: string[] }> {
  let failures = 0;
  const parted: string[] = [];
  for (const text of prompts) {
    const { ok, parts, line } = await compare(model, peer, {
      text,
      ...options,
    });
    if (!ok) failures++;
    if (parts) parted.push(text);
    say(`  ${ok ? "ok " : "BAD"} ${JSON.stringify(text)}: ${line}`);
  }
  return { failures, parted };
}

/** Compares a file in both engines, and tells how many prompts failed. */
async function compareFile(
  path: string,
  { cache, activations, ...options }: CompareOptions & {
    cache: string;
    activations: "f32" | "int8";
  },
): Promise<number> {
  await using model = await loadModel(path, {
    contextLength: 512,
    activations,
    tune: "off",
  });
  const first = await (async () => {
    using peer = await startPeer(cache, path);
    say(`  llama.cpp ${peer.release}`);
    return await compareAll(model, peer, PROMPTS, options);
  })();
  if (first.parted.length === 0) return first.failures;
  const unpacked = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await quantizeFile(path, unpacked, "f32", { allowRequantize: true });
    say("  where they part, the same weights as F32 in llama.cpp:");
    using peer = await startPeer(cache, unpacked);
    const exact = { ...options, most: 0 };
    const { failures } = await compareAll(model, peer, first.parted, exact);
    return first.failures + failures;
  } finally {
    await Deno.remove(unpacked);
  }
}

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      cache: text,
      folder: text,
      types: { ...text, default: "bf16,q8_0,q4_k_m" },
      count: { ...text, default: "24" },
      margin: { ...text, default: "0.05" },
      activations: { ...text, default: "f32" },
      keep: text,
    },
  });
  if (values.cache === undefined) throw new TypeError("--cache is wanted");
  const output = values.keep ?? await Deno.makeTempDir();
  let folder = values.folder;
  if (folder === undefined) {
    folder = join(output, "checkpoint");
    await Deno.mkdir(folder, { recursive: true });
    const gguf = projectFile("models/tiny-archangel-q8_0.gguf");
    await makeCheckpoint(folder, { gguf, dtype: "BF16", shards: 3 });
  }
  let failures = 0;
  try {
    for (const type of values.types.split(",")) {
      const path = join(output, `${type}.gguf`);
      const done = await convertCheckpoint(folder, path, { type });
      const rate = (done.bytesPerSecond / 1e6).toFixed(0);
      say(
        `${type}: ${done.inputBytes} bytes became ${done.outputBytes} in ` +
          `${done.seconds.toFixed(1)} s (${rate} MB/s)`,
      );
      failures += await compareFile(path, {
        cache: values.cache,
        count: Number(values.count),
        most: Number(values.margin),
        activations: values.activations as "f32",
      });
    }
  } finally {
    if (values.keep === undefined) {
      await Deno.remove(output, { recursive: true });
    }
  }
  Deno.exit(failures === 0 ? 0 : 1);
}
