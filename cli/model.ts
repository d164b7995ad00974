import {
  formatBytes,
  loadModel,
  type LoadModelOptions,
  type LoadProgress,
  type Model,
} from "../mod.ts";
import { printStatus } from "./output.ts";

/**
 * Loads a model; a person at a terminal sees how far it is.
 *
 * @param path The GGUF file.
 * @param options How to load it.
 * @returns The model.
 */
export async function loadWithProgress(
  path: string,
  options: LoadModelOptions,
): Promise<Model> {
  if (!Deno.stderr.isTerminal()) return await loadModel(path, options);
  const { default: progress } = await import("cli-progress");
  const bar = new progress.SingleBar({
    format: "loading {bar} {percentage}% {loaded}",
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  }, progress.Presets.shades_classic);
  bar.start(1, 0, { loaded: "" });
  const onProgress = ({ loadedBytes, totalBytes }: LoadProgress) => {
    bar.setTotal(totalBytes);
    bar.update(loadedBytes, { loaded: formatBytes(loadedBytes) });
  };
  try {
    return await loadModel(path, { ...options, onProgress });
  } finally {
    bar.stop();
  }
}

/**
 * An AbortSignal that Ctrl-C aborts.
 *
 * @returns The signal, and how to give Ctrl-C its usual meaning back.
 */
export function interruptSignal(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  Deno.addSignalListener("SIGINT", abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGINT", abort);
    },
  };
}

/** Writes what a generation took to stderr, for a person at a terminal. */
export function printSpeed(
  { usage, timings }: {
    usage: { promptTokens: number; completionTokens: number };
    timings: {
      firstTokenMs: number;
      prefillTokensPerSecond: number;
      decodeTokensPerSecond: number;
    };
  },
): void {
  if (!Deno.stderr.isTerminal()) return;
  printStatus(
    `[${usage.promptTokens} prompt tokens at ${
      timings.prefillTokensPerSecond.toFixed(1)
    }/s, first after ${
      timings.firstTokenMs.toFixed(0)
    } ms, ${usage.completionTokens} tokens at ${
      timings.decodeTokensPerSecond.toFixed(1)
    }/s]`,
  );
}
