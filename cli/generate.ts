import { Command } from "commander";
import { type GrammarFlags, grammarOptions, readGrammar } from "./grammar.ts";
import {
  interruptSignal,
  loadWithProgress,
  printSpeed,
  promptBar,
} from "./model.ts";
import {
  type GenerateFlags,
  generateOptions,
  integers,
  jsonOption,
  type LoadFlags,
  loadOptions,
  MODEL,
  toGenerateOptions,
  toLoadOptions,
} from "./options.ts";
import { write, writeJson, writeLine } from "./output.ts";
import {
  type SamplingFlags,
  samplingOptions,
  toSamplingOptions,
} from "./sampling_options.ts";

/** `seraph generate` */
export function generateCommand(): Command {
  const command = new Command("generate")
    .description("continue a text")
    .argument("<model>", MODEL)
    .option("--prompt <text>", "the text")
    .option("--special", "find special tokens in the text")
    .option("--ids <ids>", "token ids, taken as they are", integers);
  const options = [
    ...[grammarOptions(), generateOptions()],
    ...[loadOptions(), samplingOptions()],
  ];
  for (const option of options.flat()) command.addOption(option);
  return command.addOption(jsonOption()).action(generate);
}

interface Flags extends GenerateFlags, GrammarFlags, SamplingFlags, LoadFlags {
  prompt?: string;
  special?: boolean;
  ids?: number[];
  json?: boolean;
}

async function generate(
  path: string,
  flags: Flags,
  command: Command,
): Promise<void> {
  const { prompt, ids, special = false, json } = flags;
  if ((prompt === undefined) === (ids === undefined)) {
    command.error("error: one of --prompt and --ids is wanted");
  }
  const grammar = await readGrammar(flags);
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  await using model = await loadWithProgress(path, {
    ...toLoadOptions(flags),
    signal,
  });
  const generation = model.generate(prompt ?? ids!, {
    ...toGenerateOptions(flags, signal),
    ...toSamplingOptions(flags),
    onPrompt: await promptBar(),
    grammar,
    special,
  });
  if (json) {
    writeJson(await generation.result());
    return;
  }
  for await (const { text } of generation) write(text);
  writeLine();
  printSpeed(await generation.result());
}
