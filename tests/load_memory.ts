/**
 * Loads a model of any size, all zeros, and prints how much memory JavaScript
 * took for it, and how much the rest of the process.
 *
 *     deno run -A tests/load_memory.ts [TYPE:MIB | FILE] [AS]   (f16:4096)
 *
 * The file is a hole on the disk. On a software driver the GPU's memory is the
 * system's: look at what is free first. Exits with 1 where JavaScript took more
 * than 200 MB.
 *
 * @module
 */

import { writeLine } from "../cli/output.ts";
import { loadModel, type ModelInput, type PackedType } from "../mod.ts";
import { makeHugeFile } from "./huge_model.ts";

/** What a load took. */
export interface LoadMemory {
  /** The most bytes of heap and of buffers outside of it, at any time. */
  javascript: number;
  /** The same before loading. */
  before: number;
  /** The most bytes of the process. */
  rss: number;
  /** What of that the GPU's buffers are in the end. */
  gpu: number;
  /** Seconds that loading took. */
  seconds: number;
}

/**
 * Loads a model, and watches the memory of the process.
 *
 * @param input The model; it is disposed of.
 * @param as What its weights are quantized to. Defaults to what they are.
 * @returns What loading it took.
 */
export async function measureLoad(
  input: ModelInput,
  as?: PackedType,
): Promise<LoadMemory> {
  const now = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const memory = { javascript: 0, before: now(), rss: 0 };
  const watch = () => {
    memory.javascript = Math.max(memory.javascript, now());
    memory.rss = Math.max(memory.rss, Deno.memoryUsage().rss);
  };
  const timer = setInterval(watch, 10);
  try {
    await using model = await loadModel(input, {
      as,
      contextLength: 64, // they have no more
      onProgress: watch,
    });
    watch();
    return { ...memory, gpu: model.gpuBytes, seconds: model.loadMs / 1e3 };
  } finally {
    clearInterval(timer);
  }
}

/** Most bytes that JavaScript may take. */
const LIMIT = 200e6;

if (import.meta.main) {
  const [what = "f16:4096", as] = Deno.args;
  const made = /^(\w+):(\d+)$/.exec(what);
  const file = made && await makeHugeFile(made[1]!, Number(made[2]));
  try {
    const path = file?.path ?? what;
    const { size } = await Deno.stat(path);
    const taken = await measureLoad(path, as as PackedType | undefined);
    const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    writeLine(
      `${mb(size)} in ${taken.seconds.toFixed(1)} s: JavaScript at most ${
        mb(taken.javascript)
      } (${mb(taken.before)} before), process at most ${mb(taken.rss)}, ${
        mb(taken.rss - taken.gpu)
      } without the GPU's ${mb(taken.gpu)}`,
    );
    if (taken.javascript > LIMIT) Deno.exitCode = 1;
  } finally {
    await file?.[Symbol.asyncDispose]();
  }
}
