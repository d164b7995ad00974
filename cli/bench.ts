import { Command } from "commander";
import { inspectModel } from "../mod.ts";
import {
  benchKernels,
  type KernelFlags,
  kernelOptions,
} from "./bench_kernels.ts";
import {
  benchLoadOptions,
  benchModel,
  type BenchModelFlags,
  benchModelOptions,
  chooseContext,
  outputOption,
} from "./bench_model.ts";
import { interruptSignal, loadWithProgress } from "./model.ts";
import { integer, jsonOption, MODEL, toLoadOptions } from "./options.ts";

/** `seraph bench` */
export function benchCommand(): Command {
  const command = new Command("bench")
    .description("measure a model, with llama-bench's columns, or the kernels")
    .argument("[model]", MODEL);
  for (const option of benchModelOptions()) command.addOption(option);
  command.option(
    "-r, --repetitions <n>",
    "runs of each (5; kernels: 20)",
    integer(1),
  );
  command.addOption(outputOption());
  for (const option of benchLoadOptions()) command.addOption(option);
  command.addOption(jsonOption())
    .option(
      "--kernels",
      "measure the kernels on random weights, without a model",
    )
    .optionsGroup("Options with --kernels:");
  for (const option of kernelOptions()) command.addOption(option);
  return command.action(bench);
}

interface Flags extends BenchModelFlags, KernelFlags {
  kernels?: boolean;
}

/** Options of a model that kernels have, too. */
const SHARED = ["repetitions", "output", "json", "subgroups", "kernels"];

async function bench(
  path: string | undefined,
  flags: Flags,
  command: Command,
): Promise<void> {
  const { kernels = false } = flags;
  const ofKernels = kernelOptions().map((option) => option.attributeName());
  for (const { attributeName, long } of givenOptions(command)) {
    if (SHARED.includes(attributeName)) continue;
    if (ofKernels.includes(attributeName) === kernels) continue;
    command.error(
      `error: option '${long}' ${
        kernels ? "is for models, without" : "needs"
      } --kernels`,
    );
  }
  if (!kernels) {
    if (path === undefined) {
      command.error("error: missing required argument 'model', or --kernels");
    }
    await benchFile(path, flags, command);
    return;
  }
  if (path !== undefined) {
    command.error(`error: --kernels takes no model, "${path}" is one too many`);
  }
  await benchKernels(flags, flags.json ? "json" : flags.output, command);
}

function givenOptions(command: Command) {
  return command.options
    .map((option) => ({
      attributeName: option.attributeName(),
      long: option.long,
    }))
    .filter(({ attributeName }) =>
      command.getOptionValueSource(attributeName) === "cli"
    );
}

/** Positions that a model is loaded with where nothing is asked for. */
const USUAL_CONTEXT = 8192;

async function benchFile(
  path: string,
  flags: BenchModelFlags,
  command: Command,
): Promise<void> {
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  const { config, ...file } = await inspectModel(path);
  // What cannot be run says so when it is loaded.
  const most = config?.contextLength ?? Infinity;
  const usual = Math.min(most, USUAL_CONTEXT);
  const contextLength = chooseContext(command, flags, { most, usual });
  await using model = await loadWithProgress(path, {
    ...toLoadOptions(flags),
    contextLength,
    signal,
  });
  const [largest] = Object.entries(file.bytesByType)
    .sort(([, a], [, b]) => b - a);
  const type = file.fileType ?? largest?.[0] ?? "?";
  await benchModel(model, { ...file, type }, { flags, signal });
}
