import type { Metadata } from "../gguf/metadata.ts";
import { fileType } from "../gguf/file_types.ts";
import { abortable } from "../gguf/abortable.ts";
import { type GgufFile, readGguf } from "../gguf/reader.ts";
import { architectureOf } from "../model/architectures.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { ModelInput } from "../sources/input.ts";
import { openInput } from "../sources/open.ts";
import type { DownloadOptions } from "../sources/options.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A tensor as a file describes it. */
export interface InspectedTensor {
  /** Its name. */
  name: string;
  /** Its block format. */
  type: string;
  /** Its dimensions, the fastest first, as ggml has them. */
  shape: readonly number[];
  /**
   * Where its data starts, in bytes from the start of the file, or of the parts
   * of a split one, one behind the other.
   */
  offset: number;
  /** Bytes of its data. */
  bytes: number;
}

/** What stands in a GGUF file. */
export interface Inspection {
  /** What the file is called. */
  label: string;
  /** Version of the format. */
  version: number;
  /** Bytes of the whole file. */
  size: number;
  /** The values by key. */
  metadata: Metadata;
  /** The hyperparameters, `null` where it is no model that can run. */
  config: LlamaConfig | null;
  /** Why it cannot run, `null` where it can. */
  problem: string | null;
  /** llama.cpp's name for its mix of formats, `null` where it does not say. */
  fileType: string | null;
  /** Weights in all tensors. */
  parameters: number;
  /** The tensors, in the order of the file. */
  tensors: InspectedTensor[];
  /** Bytes of tensor data by block format. */
  bytesByType: Record<string, number>;
}

/** Options for {@linkcode inspectModel} and {@linkcode loadTokenizer}. */
export interface InspectOptions {
  /** Stops reading the file. */
  signal?: AbortSignal | undefined;
  /** Where models of other machines are kept. Only headers are read of them. */
  download?: DownloadOptions | undefined;
}

/**
 * Reads what a GGUF file says of itself; needs no GPU.
 *
 * @param input A path, URL or name on the hub, or bytes: see `ModelInput`.
 * @param options Interruption.
 * @returns The header, also of files that cannot be run.
 * @throws {Error} If it is no GGUF file, or a broken one.
 */
export async function inspectModel(
  input: ModelInput,
  options: InspectOptions = {},
): Promise<Inspection> {
  const file = await readHeader(input, options);
  const bytesByType: Record<string, number> = {};
  let parameters = 0;
  const tensors = Array.from(file.tensors.values(), (tensor) => {
    const { name, shape, format, offset, bytes, elements } = tensor;
    bytesByType[format.name] = (bytesByType[format.name] ?? 0) + bytes;
    parameters += elements;
    return { name, type: format.name, shape, offset, bytes };
  });
  return {
    label: file.label,
    version: file.version,
    size: file.size,
    metadata: file.metadata,
    ...judge(file),
    fileType: fileType(file.metadata),
    parameters,
    tensors,
    bytesByType,
  };
}

/** The configuration, and what stands in the way of running it. */
function judge(file: GgufFile): Pick<Inspection, "config" | "problem"> {
  let config: LlamaConfig | null = null;
  try {
    const architecture = architectureOf(file);
    config = architecture.readConfig(file);
    architecture.findTensors(file, config);
    Tokenizer.fromMetadata(file.metadata);
    return { config, problem: null };
  } catch (error) {
    return {
      config,
      problem: error instanceof Error ? error.message : String(error),
    };
  }
}

/**
 * Loads the tokenizer of a GGUF file; needs no GPU, and files without weights
 * will do.
 *
 * @param input A path, URL or name on the hub, or bytes: see `ModelInput`.
 * @param options Interruption.
 * @returns The tokenizer.
 * @throws {Error} If the file is broken, or has a tokenizer of another kind.
 */
export async function loadTokenizer(
  input: ModelInput,
  options: InspectOptions = {},
): Promise<Tokenizer> {
  const { metadata } = await readHeader(input, options);
  return Tokenizer.fromMetadata(metadata);
}

async function readHeader(
  input: ModelInput,
  { signal, download }: InspectOptions,
): Promise<GgufFile> {
  signal?.throwIfAborted();
  const opened = await openInput(input, { ...download, signal });
  await using source = abortable(opened, signal);
  return await readGguf(source);
}
