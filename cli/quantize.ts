import { Command, Option } from "commander";
import {
  formatBytes,
  type QuantizeDevice,
  type QuantizeDeviceUse,
  quantizeFile,
  type QuantizeFileOptions,
  type QuantizeResult,
} from "../mod.ts";
import { downloadBar } from "./download_bar.ts";
import { interruptSignal } from "./model.ts";
import { blockFormat, integer, jsonOption, quantization } from "./options.ts";
import { formatTable, printStatus, writeJson, writeLine } from "./output.ts";
import { weightsBar } from "./weights_bar.ts";

/** `seraph quantize` */
export function quantizeCommand(): Command {
  return new Command("quantize")
    .description("pack the weights of a GGUF file in fewer bits")
    .argument("<input>", "GGUF file of F32, F16 or BF16")
    .argument("<output>", "file to write; it may be the input")
    .argument(
      "<type>",
      "such as q4_k_m, q8_0 or f16, in any case",
      quantization,
    )
    .option("--imatrix <file>", "importance matrix, of llama-imatrix")
    .option("--pure", "the type's own format for all matrices, no mix")
    .option(
      "--token-embedding-type <format>",
      "format of token_embd.weight",
      blockFormat,
    )
    .option(
      "--output-tensor-type <format>",
      "format of output.weight",
      blockFormat,
    )
    .option("--allow-requantize", "quantize once more what is quantized")
    .addOption(
      new Option("--workers <n>", "workers that share the work")
        .argParser(integer(0, 256))
        .default(undefined, "one a core, at most 12"),
    )
    .addOption(
      new Option("--device <device>", "what packs them; the bytes are the same")
        .choices(["auto", "gpu", "cpu"])
        .default("auto", "the faster one"),
    )
    .addOption(jsonOption())
    .action(quantize);
}

interface Flags {
  imatrix?: string;
  pure?: boolean;
  tokenEmbeddingType?: string;
  outputTensorType?: string;
  allowRequantize?: boolean;
  workers?: number;
  device?: QuantizeDevice;
  json?: boolean;
}

async function quantize(
  input: string,
  output: string,
  type: string,
  { imatrix, json, ...flags }: Flags,
): Promise<void> {
  using interrupt = interruptSignal();
  const result = await quantizeBehindBar(input, output, type, {
    ...flags,
    ...(imatrix !== undefined && { importance: imatrix }),
    signal: interrupt.signal,
  });
  if (json) {
    writeJson(result);
    return;
  }
  printResult(output, result);
}

async function quantizeBehindBar(
  input: string,
  output: string,
  type: string,
  options: QuantizeFileOptions,
): Promise<QuantizeResult> {
  if (!Deno.stderr.isTerminal()) {
    return await quantizeFile(input, output, type, options);
  }
  using downloads = await downloadBar();
  using weights = await weightsBar("quantizing");
  return await quantizeFile(input, output, type, {
    ...options,
    download: { onProgress: downloads.onProgress },
    onProgress: weights.onProgress,
  });
}

function printResult(output: string, result: QuantizeResult): void {
  const { type, tensors, inputBytes, outputBytes, seconds } = result;
  const counts = new Map<string, number>();
  for (const { from, to, weighed } of tensors) {
    const change = from === to ? `${from}, as it was` : `${from} to ${to}`;
    const key = weighed ? `${change} by importance` : change;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  writeLine(formatTable([...counts].map(([change, n]) => [n, change])));
  const [before, after] = [inputBytes, outputBytes].map(formatBytes);
  const weights = (result.weightsPerSecond / 1e6).toFixed(1);
  writeLine(
    `${output}: ${type}, ${before} became ${after} in ${
      seconds.toFixed(1)
    } s ` +
      `(${
        formatBytes(result.bytesPerSecond)
      }/s, ${weights} million weights/s, ` +
      `${count(result.workers, "worker")})`,
  );
  for (const use of result.devices) printUse(use, result.adapter);
  const others = tensors.filter(({ to, meant }) => to !== meant);
  if (others.length === 0) return;
  printStatus(
    `note: rows of ${count(others.length, "tensor")} are no whole blocks: ` +
      [...new Set(others.map(({ to, meant }) => `${to} in place of ${meant}`))]
        .join(", "),
  );
}

/** Tells what packed a format, where that could be the GPU. */
function printUse(use: QuantizeDeviceUse, adapter = "no GPU"): void {
  const { from, to, device, reason, gpuRate, cpuRate, redoneBlocks } = use;
  if (device === "cpu" && adapter === "no GPU") return;
  const rates = gpuRate === undefined || cpuRate === undefined
    ? ""
    : `: ${(gpuRate / 1e6).toFixed(1)} million weights/s on the GPU, ${
      (cpuRate / 1e6).toFixed(1)
    } on the CPU`;
  const redone = redoneBlocks === 0
    ? ""
    : `; ${count(redoneBlocks, "block")} of huge or tiny weights on the CPU`;
  const where = device === "gpu" ? adapter : "the CPU";
  writeLine(`${from} to ${to} on ${where}, as ${reason}${rates}${redone}`);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
