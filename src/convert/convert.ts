import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { GgufField } from "../gguf/field.ts";
import { GgufWriter } from "../gguf/writer.ts";
import {
  type ImportanceMatrix,
  readImportanceMatrix,
} from "../quantize/importance.ts";
import { quantizedFields } from "../quantize/metadata.ts";
import { type QuantizationType, quantizationType } from "../quantize/types.ts";
import { workerCount } from "../quantize/workers.ts";
import { type Checkpoint, openCheckpoint } from "../sources/checkpoint.ts";
import { type CheckpointConfig, readCheckpointConfig } from "./config.ts";
import type { JsonObject } from "./json.ts";
import { modelFields } from "./metadata.ts";
import type {
  ConvertedTensor,
  ConvertOptions,
  ConvertResult,
} from "./options.ts";
import { CALCULATED, planConversion, type TensorConversion } from "./plan.ts";
import { convertRope, type RopeFields } from "./rope.ts";
import type { CheckpointTensor } from "./tensor_file.ts";
import {
  fileLabel,
  readJsonFile,
  readTokenizerFiles,
} from "./tokenizer_files.ts";
import { findSameTexts } from "./tokens.ts";
import { convertVocabulary } from "./vocabulary.ts";
import { openWeights } from "./weights.ts";
import { writeWeights } from "./write_weights.ts";

/** Types that llama.cpp's converter writes itself; others are quantized then. */
const CONVERTER_TYPES = ["F32", "F16", "BF16", "Q8_0"];

/**
 * Does what `convertCheckpoint()` says.
 *
 * @param input The checkpoint.
 * @param output The GGUF file.
 * @param options What to make of it.
 * @returns What was done.
 */
export async function convert(
  input: string | URL,
  output: string | URL,
  options: ConvertOptions,
): Promise<ConvertResult> {
  const { signal, download, importance, onProgress } = options;
  const given = options.type === undefined
    ? undefined
    : quantizationType(options.type);
  const workers = workerCount("convert checkpoint", options.workers);
  signal?.throwIfAborted();
  const checkpoint = await openCheckpoint(input, { ...download, signal });
  const config = await readConfig(checkpoint);
  const rope = convertRope(config);
  await using weights = await openWeights(checkpoint, { signal });
  await checkOutput(output, checkpoint, weights.files);
  const type = given ?? typeOf(weights.tensors);
  const matrix = importance === undefined
    ? undefined
    : await readImportanceMatrix(importance, { signal });
  const { frequencies } = rope;
  const tensors = planConversion(weights.tensors, config, type, {
    matrix,
    frequencies,
  });
  const parameters = countWeights(tensors);
  const fields = await allFields(checkpoint, {
    config,
    rope,
    type,
    matrix,
    parameters,
    options,
  });
  const start = performance.now();
  await weights.prepare();
  await using writer = await GgufWriter.create(
    output,
    { fields, tensors },
    { signal },
  );
  await writeWeights(tensors, writer, { workers, signal, onProgress });
  await writer.finish();
  const seconds = (performance.now() - start) / 1000;
  const inputBytes = tensors.reduce((sum, { from }) => sum + from.bytes, 0);
  return {
    files: weights.files,
    type: type.name,
    name: nameOf(fields),
    tensors: tensors.map(summarize),
    parameters,
    inputBytes,
    outputBytes: writer.size,
    seconds,
    bytesPerSecond: inputBytes / seconds,
    warnings: [
      ...(rope.warning === undefined ? [] : [rope.warning]),
      ...otherFormats(tensors),
      ...sameTokens(fields),
    ],
  };
}

/** The weights would be gone once they are converted. */
async function checkOutput(
  output: string | URL,
  { label }: Checkpoint,
  files: readonly string[],
): Promise<void> {
  if (label.startsWith("hf:")) return;
  const real = (path: string) => Deno.realPath(path).catch(() => undefined);
  // Writing to a link replaces what it leads to.
  const path = await real(pathOf(output));
  if (path === undefined) return;
  const folder = resolve(pathOf(label));
  for (const name of files) {
    if (await real(join(folder, name)) !== path) continue;
    throw new Error(
      `Cannot write "${output}": it is a file of the checkpoint, ` +
        "another name is wanted",
    );
  }
}

function pathOf(location: string | URL): string {
  const isUrl = location instanceof URL || /^file:/i.test(location);
  return isUrl ? fileURLToPath(location) : location;
}

async function readConfig(checkpoint: Checkpoint): Promise<CheckpointConfig> {
  const json = await readJsonFile(checkpoint, "config.json");
  if (json === undefined) {
    throw new Error(
      `Cannot convert "${checkpoint.label}": it has no config.json`,
    );
  }
  return readCheckpointConfig(json, fileLabel(checkpoint, "config.json"));
}

/** What the first matrix is: config.json may say something else. */
function typeOf(
  tensors: ReadonlyMap<string, CheckpointTensor>,
): QuantizationType {
  const matrix = tensors.values().find(({ shape }) => shape.length > 1);
  return quantizationType(matrix?.dtype === "BF16" ? "BF16" : "F16");
}

async function allFields(
  checkpoint: Checkpoint,
  { config, rope, type, matrix, parameters, options }: {
    config: CheckpointConfig;
    rope: RopeFields;
    type: QuantizationType;
    matrix: ImportanceMatrix | undefined;
    parameters: number;
    options: ConvertOptions;
  },
): Promise<GgufField[]> {
  const generation: JsonObject =
    await readJsonFile(checkpoint, "generation_config.json") ?? {};
  const files = await readTokenizerFiles(checkpoint);
  const fields = [
    ...modelFields({
      config,
      generation,
      rope: rope.fields,
      parameters,
      fileType: type.fileType,
      name: options.name,
      folder: folderName(checkpoint.label),
    }),
    ...convertVocabulary({
      files,
      size: config.shape.vocabulary,
      config: config.json,
      generation,
      preTokenizer: options.preTokenizer,
    }),
  ];
  return CONVERTER_TYPES.includes(type.name)
    ? fields
    : quantizedFields(fields, type, matrix);
}

/** The last part of a path, or of a name on a hub. */
function folderName(label: string): string {
  if (label.startsWith("hf:")) {
    return label.replace(/@[^/@]*$/, "").split("/").at(-1)!;
  }
  return basename(resolve(pathOf(label))) || "model";
}

function countWeights(tensors: readonly TensorConversion[]): number {
  return tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1),
    0,
  );
}

function summarize(
  { name, shape, from, format, meant }: TensorConversion,
): ConvertedTensor {
  return {
    name,
    shape,
    source: name === CALCULATED ? null : from.name,
    from: from.dtype,
    to: format.name,
    meant,
  };
}

/** Says so where rows are no whole blocks of what was meant for them. */
function otherFormats(tensors: readonly TensorConversion[]): string[] {
  const others = tensors.filter(({ format, meant }) => format.name !== meant);
  if (others.length === 0) return [];
  const formats = new Set(
    others.map(({ format, meant }) => `${format.name} in place of ${meant}`),
  );
  return [
    `rows of ${others.length} tensors are no whole blocks: ` +
    [...formats].join(", "),
  ];
}

function sameTokens(fields: readonly GgufField[]): string[] {
  const field = fields.find(({ key }) => key === "tokenizer.ggml.tokens");
  const [first, second] = findSameTexts(field?.value as string[]) ?? [];
  if (first === undefined) return [];
  return [
    `tokens ${first} and ${second} have the same text: ` +
    "llama.cpp does not load such a file",
  ];
}

function nameOf(fields: readonly GgufField[]): string {
  const field = fields.find(({ key }) => key === "general.name");
  return String(field?.value);
}
