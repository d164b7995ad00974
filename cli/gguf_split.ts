import { Command, InvalidArgumentError, Option } from "commander";
import { mergeGguf } from "../src/gguf/merge_file.ts";
import { splitGguf } from "../src/gguf/split_file.ts";
import { copyBar } from "./copy_bar.ts";
import { interruptSignal } from "./model.ts";
import { integer } from "./options.ts";
import { writeLine } from "./output.ts";

interface SplitFlags {
  maxTensors?: number;
  maxSize?: number;
  force?: boolean;
}

/** `seraph gguf split` */
export function splitCommand(): Command {
  return new Command("split")
    .description("split a file into parts, as llama.cpp's gguf-split does")
    .argument("<file>", "GGUF file, or a part of a split one")
    .argument("[prefix]", "start of the parts' names; else that of the file")
    .addOption(
      new Option("--max-tensors <n>", "tensors of a part (128)")
        .argParser(integer(1)).conflicts("maxSize"),
    )
    .addOption(
      new Option("--max-size <size>", "bytes of a part's tensors: 500M, 2G")
        .argParser(parseSize),
    )
    .option("--force", "replace files of such names")
    .action(split);
}

async function split(
  path: string,
  prefix: string | undefined,
  { maxTensors, maxSize, force = false }: SplitFlags,
): Promise<void> {
  using interrupt = interruptSignal();
  using bar = await copyBar("splitting");
  const paths = await splitGguf(path, prefix ?? prefixOf(path), {
    maxTensors,
    maxBytes: maxSize,
    overwrite: force,
    signal: interrupt.signal,
    onProgress: bar.update,
  });
  bar[Symbol.dispose]();
  for (const path of paths) writeLine(path);
}

/** `seraph gguf merge` */
export function mergeCommand(): Command {
  return new Command("merge")
    .description("put the parts of a split file together")
    .argument("<part>", "one of the parts; the others lie beside it")
    .argument("<output>", "file to write")
    .option("--force", "replace a file of that name")
    .action(merge);
}

async function merge(
  path: string,
  output: string,
  { force = false }: Pick<SplitFlags, "force">,
): Promise<void> {
  using interrupt = interruptSignal();
  using bar = await copyBar("merging");
  await mergeGguf(path, output, {
    overwrite: force,
    signal: interrupt.signal,
    onProgress: bar.update,
  });
}

/** Units of 1000, as gguf-split has them. */
const UNITS: Record<string, number> = { "": 1, K: 1e3, M: 1e6, G: 1e9 };

function parseSize(text: string): number {
  const [, number, unit] = /^(\d+)([KMG]?)$/.exec(text) ?? [];
  const size = Number(number) * UNITS[unit ?? ""]!;
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new InvalidArgumentError("A size such as 500M or 2G is wanted.");
}

/** The name without its ending, and without the number of a part. */
function prefixOf(path: string): string {
  return path.replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, "");
}
