import { Command } from "commander";
import {
  convertCheckpoint,
  type ConvertOptions,
  type ConvertResult,
  formatBytes,
} from "../mod.ts";
import { downloadBar } from "./download_bar.ts";
import { interruptSignal } from "./model.ts";
import { integer, jsonOption, quantization } from "./options.ts";
import { formatTable, printStatus, writeJson, writeLine } from "./output.ts";
import { weightsBar } from "./weights_bar.ts";

/** `seraph convert` */
export function convertCommand(): Command {
  return new Command("convert")
    .description(
      "make a GGUF file of safetensors or PyTorch files; needs no GPU",
    )
    .argument("<checkpoint>", "folder, or hf:owner/repo[@revision]")
    .requiredOption("-o, --output <file>", "GGUF file to write")
    .option(
      "--type <type>",
      "what the matrices become: f32, f16, bf16, q8_0, q4_k_m, …; " +
        "by default bf16 or f16, as they are",
      quantization,
    )
    .option("--imatrix <file>", "importance matrix, of llama-imatrix")
    .option("--name <name>", "what the model is called")
    .option("--pre <name>", "llama.cpp's name for how words are split")
    .option(
      "--workers <n>",
      "workers that share the work, by default one a core",
      integer(0, 256),
    )
    .addOption(jsonOption())
    .action(convert);
}

interface Flags extends Pick<ConvertOptions, "type" | "name" | "workers"> {
  output: string;
  pre?: string;
  imatrix?: string;
  json?: boolean;
}

async function convert(
  input: string,
  { output, pre, imatrix, json, ...flags }: Flags,
): Promise<void> {
  using interrupt = interruptSignal();
  const result = await convertBehindBar(input, output, {
    ...flags,
    preTokenizer: pre,
    importance: imatrix,
    signal: interrupt.signal,
  });
  if (json) {
    writeJson(result);
    return;
  }
  printResult(output, result);
}

async function convertBehindBar(
  input: string,
  output: string,
  options: ConvertOptions,
): Promise<ConvertResult> {
  if (!Deno.stderr.isTerminal()) {
    return await convertCheckpoint(input, output, options);
  }
  using downloads = await downloadBar();
  using weights = await weightsBar("converting");
  return await convertCheckpoint(input, output, {
    ...options,
    download: { onProgress: downloads.onProgress },
    onProgress: weights.onProgress,
  });
}

function printResult(output: string, result: ConvertResult): void {
  const { name, type, tensors, files, parameters, warnings } = result;
  const counts = new Map<string, number>();
  for (const { from, to } of tensors) {
    const change = from === to ? `${from}, as it was` : `${from} to ${to}`;
    counts.set(change, (counts.get(change) ?? 0) + 1);
  }
  writeLine(formatTable([...counts].map(([change, n]) => [n, change])));
  const [before, after] = [result.inputBytes, result.outputBytes]
    .map(formatBytes);
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  writeLine(
    `${output}: ${name}, ${type}, ${parameters} weights: ${before} of ${count} ` +
      `became ${after} in ${result.seconds.toFixed(1)} s ` +
      `(${formatBytes(result.bytesPerSecond)}/s)`,
  );
  for (const warning of warnings) printStatus(`warning: ${warning}`);
}
