import { abortable } from "../gguf/abortable.ts";
import { checkOutput } from "../gguf/check_output.ts";
import { blockFormatByName } from "../gguf/formats.ts";
import { type GgufFile, readGguf } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import { readTypedGguf } from "../gguf/typed_reader.ts";
import { GgufWriter } from "../gguf/writer.ts";
import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions } from "../sources/options.ts";
import { openInput } from "../sources/open.ts";
import { readImportanceMatrix } from "./importance.ts";
import { quantizedFields } from "./metadata.ts";
import {
  planTensors,
  type QuantizeMixOptions,
  type TensorPlan,
} from "./plan.ts";
import {
  QUANTIZE_DEVICES,
  type QuantizeDevice,
  type QuantizeDeviceUse,
} from "./devices.ts";
import { Quantizer } from "./quantizer.ts";
import { quantizationType } from "./types.ts";
import { workerCount } from "./workers.ts";
import { type QuantizeProgress, writeTensors } from "./write_tensors.ts";

/** Options for {@linkcode quantizeFile}. */
export interface QuantizeFileOptions extends QuantizeMixOptions {
  /**
   * How much the columns of each matrix matter: a file of llama.cpp's
   * `llama-imatrix`. Defaults to what is unknown.
   */
  importance?: ModelInput | undefined;
  /**
   * Workers that share the work, each with some 50 MB; with 0 this thread does
   * it. Defaults to `navigator.hardwareConcurrency`, but at most 12, and to 0
   * where the program may not read the workers' code.
   */
  workers?: number | undefined;
  /** Where what is on a server is kept, and how far its download is. */
  download?: DownloadOptions | undefined;
  /**
   * What packs weights: `"gpu"`, `"cpu"`, or for each pair of formats the one
   * that packs a piece of it faster, `"auto"`. The bytes are the same. What has
   * no kernel, an importance matrix, and formats that the device does not pack
   * to the same bytes in a trial are the CPU's in any case. Defaults to `"auto"`,
   * which opens no GPU for less than 67 million weights.
   */
  device?: QuantizeDevice | undefined;
  /** Stops the work: nothing of the output stays. */
  signal?: AbortSignal | undefined;
  /** Called whenever some rows are written. */
  onProgress?: ((progress: QuantizeProgress) => void) | undefined;
}

/** What became of a tensor. */
export interface QuantizedTensor {
  /** Its name. */
  readonly name: string;
  /** Its dimensions in ggml's order. */
  readonly shape: readonly number[];
  /** How it was packed. */
  readonly from: string;
  /** How it is packed. */
  readonly to: string;
  /** What the mix has for it; not `to` where its rows do not fit that. */
  readonly meant: string;
  /** Whether the importance matrix was used. */
  readonly weighed: boolean;
}

/** What {@linkcode quantizeFile} did. */
export interface QuantizeResult {
  /** llama.cpp's name of the type. */
  readonly type: string;
  /** The tensors in the order of the output. */
  readonly tensors: readonly QuantizedTensor[];
  /** Bytes of the input. */
  readonly inputBytes: number;
  /** Bytes of the output. */
  readonly outputBytes: number;
  /** Weights that were packed in another format. */
  readonly quantizedWeights: number;
  /** Wall-clock time of reading, packing and writing, in seconds. */
  readonly seconds: number;
  /** Input that was read in a second, in bytes. */
  readonly bytesPerSecond: number;
  /** Weights that were packed in another format in a second. */
  readonly weightsPerSecond: number;
  /** Workers that shared the work. */
  readonly workers: number;
  /** Name of the GPU, where one was opened. */
  readonly adapter?: string;
  /** What packed weights, by formats, and why. */
  readonly devices: readonly QuantizeDeviceUse[];
}

/**
 * Quantizes a GGUF file: see `quantizeFile()` of `quantize.ts`, which loads this
 * when it is called.
 *
 * @param input The file, or the first part of a split one.
 * @param output Where the quantized file goes.
 * @param type What to quantize to.
 * @param options How to.
 * @returns What was done.
 */
export async function quantizeFile(
  input: ModelInput,
  output: string | URL,
  type: string,
  options: QuantizeFileOptions = {},
): Promise<QuantizeResult> {
  const { signal, importance, download, onProgress } = options;
  const wanted = quantizationType(type);
  const device = checkDevice(options.device);
  const workers = workerCount("quantize", options.workers);
  signal?.throwIfAborted();
  const matrix = importance === undefined
    ? undefined
    : await readImportanceMatrix(importance, {
      download: { ...download, sha256: undefined }, // that is the model's
      signal,
    });
  await using opened = await openInput(input, { ...download, signal });
  await checkParts(opened, input, output);
  const source = abortable(opened, signal);
  const file = await readGguf(source);
  checkTensors(file);
  const plans = planTensors(file, wanted, matrix, options);
  const { fields } = await readTypedGguf(source);
  await source.prepare?.();
  const start = performance.now();
  await using writer = await GgufWriter.create(output, {
    fields: quantizedFields(fields, wanted, matrix),
    tensors: plans.map(({ tensor: { name, shape }, format }) => ({
      name,
      shape,
      format: blockFormatByName(format)!,
    })),
  }, { signal });
  const quantizedWeights = plans.reduce(
    (sum, { tensor, format }) =>
      sum + (format === tensor.format.name ? 0 : tensor.elements),
    0,
  );
  using quantizer = new Quantizer({
    device,
    workers,
    weights: quantizedWeights,
    signal,
  });
  await writeTensors(plans, { source, writer, quantizer, onProgress });
  // Before the output gets its name, which may be the input's.
  await opened[Symbol.asyncDispose]();
  await writer.finish();
  const seconds = (performance.now() - start) / 1000;
  const tensors = plans.map(summarize);
  return {
    type: wanted.name,
    tensors,
    inputBytes: file.size,
    outputBytes: writer.size,
    quantizedWeights,
    seconds,
    bytesPerSecond: file.size / seconds,
    weightsPerSecond: quantizedWeights / seconds,
    workers,
    ...(quantizer.adapter !== undefined && { adapter: quantizer.adapter }),
    devices: quantizer.uses,
  };
}

function checkDevice(device: QuantizeDevice = "auto"): QuantizeDevice {
  if (QUANTIZE_DEVICES.includes(device)) return device;
  throw new TypeError(
    `Cannot quantize: the device is "${device}", ` +
      `one of ${QUANTIZE_DEVICES.join(", ")} is wanted`,
  );
}

/** One file in the place of a part would leave nothing that can be read. */
async function checkParts(
  source: ByteSource,
  input: ModelInput,
  output: string | URL,
): Promise<void> {
  const isNamed = typeof input === "string" || input instanceof URL;
  // One letter before the colon is a Windows drive.
  const isRemote = /^(?!file:)[a-z][a-z\d+.-]+:/i.test(String(input));
  if (source.parts === undefined || !isNamed || isRemote) return;
  await checkOutput(output, { source, input, overwrite: true });
}

function checkTensors({ label, tensors }: GgufFile): void {
  if (tensors.size > 0) return;
  throw new RangeError(
    `Cannot quantize "${label}": it has no tensors, a model is wanted`,
  );
}

function summarize(
  { tensor, format, meant, importance }: TensorPlan,
): QuantizedTensor {
  const { name, shape } = tensor;
  return {
    name,
    shape,
    from: tensor.format.name,
    to: format,
    meant,
    weighed: importance !== undefined,
  };
}
