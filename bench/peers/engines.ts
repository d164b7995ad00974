/**
 * The engines that `compare.ts` measures, each in a process of its own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { BenchRow } from "../../cli/bench_rows.ts";
import { TextLineStream } from "./lines.ts";

/** What is measured: a prompt or a generation, the other is 0. */
export interface Test {
  /** Tokens of the prompt. */
  nPrompt: number;
  /** Tokens generated. */
  nGen: number;
}

/** An engine with one model. */
export interface Engine extends AsyncDisposable {
  /** What the table calls it. */
  readonly name: string;
  /** The device that it uses, once it has told. */
  readonly device: string | undefined;
  /** The most tokens that a test may have, where it has told. */
  readonly contextLength: number | undefined;
  /**
   * Measures one test, after one run to warm up.
   *
   * @returns Tokens a second of each run.
   * @throws {Error} If the engine fails.
   */
  measure(test: Test, repetitions: number): Promise<number[]>;
}

/**
 * Seraph by its own `bench` command, a process for each test.
 *
 * @param model Path of the GGUF file.
 * @returns The engine; nothing is loaded yet.
 */
export function createSeraph(model: string): Engine {
  let device: string | undefined;
  const cli = fileURLToPath(new URL("../../cli.ts", import.meta.url));
  return {
    name: "Seraph",
    get device() {
      return device;
    },
    contextLength: undefined,
    async measure({ nPrompt, nGen }, repetitions) {
      const { success, stdout, stderr } = await new Deno.Command(
        Deno.execPath(),
        {
          args: ["run", "--quiet", "-A", cli, "bench", model]
            .concat("-p", `${nPrompt}`, "-n", `${nGen}`)
            .concat("-r", `${repetitions}`, "-o", "jsonl"),
          stdin: "null",
        },
      ).output();
      const decoder = new TextDecoder();
      if (!success) {
        throw new Error(
          decoder.decode(stderr).trim() || "seraph bench failed in silence",
        );
      }
      const rows = decoder.decode(stdout).trim().split("\n")
        .map((line) => JSON.parse(line) as BenchRow);
      // Times to a first token stand beside it.
      const row = rows.find((row) =>
        row.n_prompt === nPrompt && row.n_gen === nGen
      );
      if (row === undefined) throw new Error("seraph bench has no such row");
      device = row.gpu_info;
      return row.samples_ts;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Loaded {
  device: string;
  contextLength: number;
}

/** A way to run llama.cpp. */
export interface Peer {
  /** What the table calls it. */
  readonly name: string;
  /** Where it runs. */
  readonly backend: "vulkan" | "cuda" | "cpu";
  /** Environment variables that it gets. Defaults to none. */
  readonly env?: Record<string, string>;
}

/**
 * The ways that are measured. Fusion of operations costs llama.cpp more than a
 * third of its prefill speed on llvmpipe: what it can do there is without.
 */
export const PEERS: readonly Peer[] = [
  { name: "llama.cpp Vulkan", backend: "vulkan" },
  {
    name: "llama.cpp Vulkan, unfused",
    backend: "vulkan",
    env: { GGML_VK_DISABLE_FUSION: "1" },
  },
  { name: "llama.cpp CUDA", backend: "cuda" },
  { name: "llama.cpp CPU", backend: "cpu" },
];

/** Error of an engine that this machine has nothing for. */
export class AbsentError extends Error {
  /** Its name among errors. */
  override readonly name = "AbsentError";
}

/**
 * llama.cpp in Node.js, one process that keeps the model and its shaders.
 *
 * @param model Path of the GGUF file.
 * @param options How it runs, and the folder that holds node-llama-cpp.
 * @returns The engine, its model loaded.
 * @throws {AbsentError} If the machine has no such backend.
 * @throws {Error} If it does not load, or loads onto another device.
 */
export async function startLlamaCpp(
  model: string,
  { cache, peer }: { cache: string; peer: Peer },
): Promise<Engine> {
  const script = fileURLToPath(new URL("./llama_cpp.mjs", import.meta.url));
  const child = new Deno.Command("node", {
    args: [script, cache, peer.backend, model],
    env: peer.env ?? {},
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const answer = async <T>(): Promise<T> => {
    const { value } = await reader.read();
    if (value === undefined) {
      const { code, signal } = await child.status;
      throw new Error(`llama.cpp ended with ${signal ?? `status ${code}`}`);
    }
    const message = JSON.parse(value) as T & {
      error?: string;
      absent?: string;
    };
    if (message.absent !== undefined) throw new AbsentError(message.absent);
    if (message.error !== undefined) throw new Error(message.error);
    return message;
  };
  const { device, contextLength } = await answer<Loaded>();
  return {
    name: peer.name,
    device,
    contextLength,
    async measure(test, repetitions) {
      const line = `${JSON.stringify({ ...test, repetitions })}\n`;
      await writer.write(new TextEncoder().encode(line));
      return (await answer<{ samplesTs: number[] }>()).samplesTs;
    },
    async [Symbol.asyncDispose]() {
      // It may have ended by itself, with an error that was reported.
      await writer.close().catch(() => {});
      await child.status;
    },
  };
}
