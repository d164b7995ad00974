import {
  formatBytes,
  type GenerateOptions,
  type GenerationResult,
  loadModel,
  type LoadModelOptions,
  type LoadProgress,
  type Model,
} from "../mod.ts";
import { downloadBar } from "./download_bar.ts";
import { printStatus } from "./output.ts";

/** Options for {@linkcode loadWithProgress}. */
export interface LoadWithProgressOptions extends LoadModelOptions {
  /** Shows the bar. Defaults to whether stderr is a terminal. */
  progress?: boolean;
}

/**
 * Loads a model; a person at a terminal sees how far it is.
 *
 * @param input The model.
 * @param options How to load it.
 * @returns The model.
 */
export async function loadWithProgress(
  input: string | URL,
  options: LoadWithProgressOptions = {},
): Promise<Model> {
  const { progress = Deno.stderr.isTerminal(), ...load } = options;
  const model = progress
    ? await loadBehindBar(input, options)
    : await loadModel(input, load);
  warnOfRefused(model);
  return model;
}

/** Tells which kernels the driver gets wrong: the model runs without them. */
function warnOfRefused({ kernels }: Model): void {
  for (const { refused, variant } of kernels) {
    for (const { kernel, error, problem } of refused) {
      const reason = problem ?? `error ${error.toExponential(1)}`;
      printStatus(
        `warning: ${kernel} is wrong on this GPU (${reason}), ${variant} is taken`,
      );
    }
  }
}

/**
 * Shows a person at a terminal how far a long prompt is.
 *
 * @returns What is to be told of it, `undefined` where nobody looks.
 */
export async function promptBar(): Promise<GenerateOptions["onPrompt"]> {
  if (!Deno.stderr.isTerminal()) return undefined;
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: "prompt  {bar} {percentage}% {value} of {total} tokens",
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  }, cliProgress.Presets.shades_classic);
  return ({ processed, total }) => {
    if (processed < total && !bar.isActive) bar.start(total, processed);
    else if (bar.isActive) bar.update(processed);
    if (processed >= total && bar.isActive) bar.stop();
  };
}

async function loadBehindBar(
  input: string | URL,
  options: LoadWithProgressOptions,
): Promise<Model> {
  const { progress: _, ...load } = options;
  using downloads = await downloadBar();
  const { onProgress: onDownload } = downloads;
  const download = { onProgress: onDownload, ...load.download };
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: "loading {bar} {percentage}% {loaded}, {tensors} tensors",
    hideCursor: true,
    clearOnComplete: options.progress === undefined,
    barsize: 24,
    noTTYOutput: true, // where it is asked for, a line at the end
    notTTYSchedule: 60_000,
  }, cliProgress.Presets.shades_classic);
  const onProgress = (progress: LoadProgress) => {
    const { loadedBytes, totalBytes, loadedTensors, totalTensors } = progress;
    const loaded = {
      loaded: formatBytes(loadedBytes),
      tensors: `${loadedTensors} of ${totalTensors}`,
    };
    if (bar.isActive) bar.update(loadedBytes, loaded);
    else bar.start(totalBytes, loadedBytes, loaded);
  };
  try {
    return await loadModel(input, { ...load, download, onProgress });
  } finally {
    bar.stop();
  }
}

/** What asks a program to end; Windows knows the first alone. */
const INTERRUPTS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/**
 * An AbortSignal that Ctrl-C aborts, or whatever else asks the program to end:
 * what is half done is taken back.
 *
 * @returns The signal, and how to give Ctrl-C its usual meaning back.
 */
export function interruptSignal(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const name of INTERRUPTS) Deno.addSignalListener(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of INTERRUPTS) Deno.removeSignalListener(name, abort);
    },
  };
}

/** Writes what a generation took to stderr, for a person at a terminal. */
export function printSpeed(
  { usage, timings, speculation }: GenerationResult,
): void {
  if (!Deno.stderr.isTerminal()) return;
  const { promptTokens, reusedTokens, completionTokens } = usage;
  const parts = [
    `${promptTokens} prompt tokens at ${
      timings.prefillTokensPerSecond.toFixed(1)
    }/s`,
    ...(reusedTokens > 0 ? [`${reusedTokens} of them kept`] : []),
    `first after ${timings.firstTokenMs.toFixed(0)} ms`,
    `${completionTokens} tokens at ${
      timings.decodeTokensPerSecond.toFixed(1)
    }/s`,
    ...(speculation === undefined ? [] : [
      `${speculation.accepted} of ${speculation.guessed} guesses right`,
    ]),
  ];
  printStatus(`[${parts.join(", ")}]`);
}
