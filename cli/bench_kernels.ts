import { type Command, InvalidArgumentError, Option } from "commander";
import {
  benchmarkKernels,
  type KernelBenchmarkOptions,
  type KernelShape,
  type KernelTiming,
  type VariantChoice,
} from "../mod.ts";
import {
  kernelMarkdownHead,
  kernelMarkdownLine,
  kernelTableHead,
  kernelTableLine,
  toKernelRow,
} from "./kernel_rows.ts";
import { interruptSignal } from "./model.ts";
import { integer, number } from "./options.ts";
import { writeCsv, writeJson, writeLine } from "./output.ts";

/** What the options of {@linkcode kernelOptions} parse to. */
export interface KernelFlags {
  formats?: string[];
  shapes?: KernelShape[];
  columns?: number[];
  variants?: VariantChoice;
  small?: boolean;
  seconds?: number;
  /** `false` for the wall clock. */
  timestamps?: boolean;
  plot?: string;
}

/** The options of `bench` that need `--kernels`. */
export function kernelOptions(): Option[] {
  return [
    new Option("--formats <names>", "weight formats: Q4_0,Q8_0 (all)")
      .argParser(names),
    new Option(
      "--shapes <shapes>",
      "inputs x outputs: 5120x5120 (those of llama13b)",
    ).argParser((text) => names(text).map(parseShape)),
    new Option(
      "--columns <n>",
      "columns of the input, to 8 also as steps (1,8,512)",
    )
      .argParser((text) => names(text).map(integer(1))),
    new Option(
      "--variants <which>",
      "the kernel taken untried, the fastest, or each",
    )
      .choices(["first", "tuned", "all"]),
    new Option("--small", "sizes and times for a software driver"),
    new Option("--seconds <s>", "time for each measurement (0.1)")
      .argParser(number(1e-6)),
    new Option("--no-timestamps", "take the time by the wall clock"),
    new Option("--plot <file>", "draw the roofline into an SVG file"),
  ];
}

/** Reads `a,b,c`, with any white space. */
function names(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

/** Reads `5120x13824`: inputs, then outputs. */
export function parseShape(text: string): KernelShape {
  const [, inputs, outputs] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (inputs === undefined || outputs === undefined) {
    throw new InvalidArgumentError(
      `"${text}" is no shape; INPUTSxOUTPUTS is wanted, such as 5120x13824.`,
    );
  }
  return { inputs: Number(inputs), outputs: Number(outputs) };
}

/** The options of a benchmark that the flags stand for. */
export function toKernelBenchmarkOptions(
  { formats, shapes, columns, variants, small, seconds, timestamps, ...flags }:
    & KernelFlags
    & { repetitions?: number; subgroups?: boolean },
): KernelBenchmarkOptions {
  const { repetitions, subgroups } = flags;
  return {
    formats,
    shapes,
    columns,
    variants,
    small,
    seconds,
    timestamps,
    repetitions,
    subgroups,
  };
}

/** How `bench` prints; a table where nothing is asked for. */
export type Output = "md" | "json" | "jsonl" | "csv" | undefined;

/** `seraph bench --kernels` */
export async function benchKernels(
  flags: KernelFlags & { repetitions?: number; subgroups?: boolean },
  output: Output,
  command: Command,
): Promise<void> {
  const { plot } = flags;
  const draw = plot === undefined ? undefined : await openPlot(plot, command);
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  const timings: KernelTiming[] = [];
  const options = { ...toKernelBenchmarkOptions(flags), signal };
  try {
    for await (const timing of benchmarkKernels(options)) {
      timings.push(timing);
      print(timing, output, timings.length === 1);
    }
  } catch (error) {
    // What is no case at all is known before anything is measured.
    if (error instanceof RangeError) command.error(`error: ${error.message}`);
    throw error;
  } finally {
    if (output === "json" && timings.length > 0) {
      writeJson(timings.map(toKernelRow));
    }
    if (timings.length > 0) await draw?.(timings);
  }
}

function print(timing: KernelTiming, output: Output, first: boolean): void {
  switch (output) {
    case "json":
      return;
    case "jsonl":
      return writeLine(JSON.stringify(toKernelRow(timing)));
    case "csv":
      return writeCsv(toKernelRow(timing), first);
    case "md":
      if (first) writeLine(kernelMarkdownHead());
      return writeLine(kernelMarkdownLine(timing));
    default:
      if (first) writeLine(kernelTableHead(timing));
      writeLine(kernelTableLine(timing));
  }
}

/** Finds out early whether a plot can be drawn, and loads what draws it. */
async function openPlot(path: string, command: Command) {
  if (!/\.svg$/i.test(path)) {
    command.error(`error: "${path}" is no name of an SVG file, .svg is wanted`);
  }
  // Kept as it is until there is something to draw.
  (await Deno.open(path, { write: true, create: true })).close();
  const { drawRoofline } = await import("./roofline.ts");
  return async (timings: readonly KernelTiming[]) => {
    await Deno.writeTextFile(path, drawRoofline(timings));
  };
}
