/**
 * Measures a model of any shape and type without a file: its weights are random
 * and made on the GPU, all the rest is what runs a model of a file.
 *
 *     deno run -A bench/synthetic.ts --shape llama13b --type q4_0
 *
 * Takes the options of the `bench` command and prints what it prints.
 *
 * @module
 */

import { Command } from "commander";
import {
  benchLoadOptions,
  benchModel,
  type BenchModelFlags,
  benchModelOptions,
  chooseContext,
  neededContext,
  outputOption,
} from "../cli/bench_model.ts";
import { interruptSignal } from "../cli/model.ts";
import { integer, jsonOption, toLoadOptions } from "../cli/options.ts";
import { runProgram } from "../cli/run.ts";
import { createSyntheticModel } from "./synthetic/model.ts";
import { findShape, type ShapeOverrides, SHAPES } from "./synthetic/shapes.ts";
import { findType } from "./synthetic/types.ts";

interface Flags extends BenchModelFlags {
  shape: string;
  type: string;
  dim?: number;
  hidden?: number;
  layers?: number;
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  vocabulary?: number;
  tied?: boolean;
}

/** Positions of the default tests: a prompt of 512, and of 128 behind BOS. */
const USUAL_TESTS = { nPrompt: [512], nGen: [128] };

function createCommand(): Command {
  const command = new Command("bench/synthetic.ts")
    .description("measure a model of random weights, with bench's columns")
    .allowExcessArguments(false)
    .exitOverride()
    .showHelpAfterError("(--help says more)")
    .option("--shape <name>", Object.keys(SHAPES).join(", "), "llama13b")
    .option(
      "--type <name>",
      "a weight format or one of llama.cpp's mixes: q4_0, q4_k_m",
      "q4_0",
    );
  const sizes: [flag: string, what: string][] = [
    ["--dim", "width of the residual stream"],
    ["--hidden", "width of the feed-forward blocks"],
    ["--layers", "layers"],
    ["--heads", "query heads"],
    ["--kv-heads", "key and value heads"],
    ["--head-dim", "size of a head"],
    ["--vocabulary", "tokens"],
  ];
  for (const [flag, what] of sizes) {
    command.option(
      `${flag} <n>`,
      `${what}, in place of the shape's`,
      integer(1),
    );
  }
  command.option("--tied", "the head is the embedding");
  for (const option of benchModelOptions()) command.addOption(option);
  command.option("-r, --repetitions <n>", "runs of each (5)", integer(1));
  command.addOption(outputOption());
  for (const option of benchLoadOptions()) command.addOption(option);
  return command.addOption(jsonOption()).action(run);
}

async function run(flags: Flags, command: Command): Promise<void> {
  const overrides: ShapeOverrides = {
    dim: flags.dim,
    hiddenDim: flags.hidden,
    layers: flags.layers,
    heads: flags.heads,
    kvHeads: flags.kvHeads,
    headDim: flags.headDim,
    vocabularySize: flags.vocabulary,
    tied: flags.tied,
    contextLength: flags.context,
  };
  const shape = usage(command, () => findShape(flags.shape, overrides));
  const { name: type } = usage(command, () => findType(flags.type));
  const most = shape.contextLength;
  // No more than the tests take: the cache of llama13b is 0.8 MB a position.
  const context = chooseContext(command, flags, { most, usual: most }) ??
    Math.min(most, neededContext({ ...USUAL_TESTS, ...flags }));
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  const { model, parameters, bytes } = await createSyntheticModel(
    shape,
    type,
    { ...toLoadOptions(flags), contextLength: context, signal },
  );
  await using _ = model;
  const label = `synthetic:${flags.shape}`;
  const about = { label, type, size: bytes, parameters };
  await benchModel(model, about, { flags, signal });
}

/** What is no shape or no type is an error of usage. */
function usage<T>(command: Command, find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (error instanceof RangeError) command.error(`error: ${error.message}`);
    throw error;
  }
}

if (import.meta.main) {
  Deno.exitCode = await runProgram(createCommand(), Deno.args);
}
