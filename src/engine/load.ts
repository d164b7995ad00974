import { BufferPool, formatBytes, GpuMemoryError } from "../gpu/buffers.ts";
import { type Gpu, requestGpu } from "../gpu/gpu.ts";
import { FingerprintedSource } from "../gguf/fingerprint.ts";
import { abortable } from "../gguf/abortable.ts";
import { getString, type MetadataValue } from "../gguf/metadata.ts";
import { type GgufFile, readGguf } from "../gguf/reader.ts";
import { type Architecture, architectureOf } from "../model/architectures.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { LlamaTensors } from "../model/tensors.ts";
import type { Packer } from "../model/upload.ts";
import { loadWeights } from "../model/weights.ts";
import type { ModelInput } from "../sources/input.ts";
import { openInput } from "../sources/open.ts";
import { GrammarCache } from "../structure/grammar_cache.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type TuneMode, tuneMode } from "../tune/mode.ts";
import { assembleLlama } from "./assemble.ts";
import { GpuEngine, type LlamaParts } from "./gpu_engine.ts";
import {
  type LoadModelOptions,
  PACKED_TYPES,
  type PackedType,
  readSizes,
} from "./load_options.ts";
import type { ModelParts } from "./model.ts";
import { nameOf } from "./name.ts";
import { planLoad, planLoaded } from "./plan_load.ts";

/**
 * Loads what `loadModel()` makes a model of, in this thread.
 *
 * @param input The model.
 * @param options How to load it.
 * @returns Its parts.
 */
export async function loadEngine(
  input: ModelInput,
  options: LoadModelOptions,
): Promise<ModelParts & { engine: GpuEngine }> {
  const start = performance.now();
  const { signal } = options;
  signal?.throwIfAborted();
  await using files = await openFiles(input, options);
  const { main, draft, tune, template, name } = files;
  signal?.throwIfAborted();

  const gpu = await requestGpu(options);
  try {
    const plan = await planLoad(gpu, files, options);
    const [mainPlan, draftPlan] = plan.models;
    const rest = { ...options, tune };
    const parts = await loadLlama(gpu, main, { ...rest, ...mainPlan! });
    const loaded = draft &&
      await loadLlama(gpu, draft, { ...rest, ...draftPlan!, as: undefined });
    if (loaded !== undefined) {
      await parts.widen();
      await loaded.widen();
    }
    const loadMs = performance.now() - start;
    const { batch: batchSize } = parts.llama.state;
    const engine = new GpuEngine({
      gpu,
      main: parts,
      draft: loaded,
      plan: await planLoaded(plan, files, { options, batchSize }),
      grammars: new GrammarCache(main.tokenizer),
      loadMs,
    });
    return { engine, tokenizer: main.tokenizer, template, name };
  } catch (error) {
    gpu.device.destroy(); // and with it all that was allocated
    throw error;
  }
}

/** The files of a model, open, and what follows from them and the options. */
export interface OpenFiles extends AsyncDisposable {
  /** The model. */
  main: OpenModel;
  /** The draft model, where there is one. */
  draft: OpenModel | undefined;
  /** The model's chat template, where it has one. */
  template: string | undefined;
  /** What the model is called. */
  name: string;
  /** Positions of a conversation, and rows of a batch. */
  sizes: { contextLength: number; batchSize: number };
  /** Whether kernel variants are measured. */
  tune: TuneMode;
}

/**
 * Does all of loading that needs no GPU, and refuses what can be refused so.
 *
 * @param input The model.
 * @param options How it is to be loaded.
 * @returns The files, to be disposed of by the caller.
 */
export async function openFiles(
  input: ModelInput,
  options: LoadModelOptions,
): Promise<OpenFiles> {
  await using stack = new AsyncDisposableStack();
  const main = stack.use(await openModel(input, options));
  const sizes = readSizes(main.config, options);
  const tune = tuneMode(options.tune);
  const draft = options.draft === undefined
    ? undefined
    : stack.use(await openDraft(options.draft, main, options));
  const template = getString(main.file.metadata, "tokenizer.chat_template");
  const open = stack.move();
  return {
    main,
    draft,
    template,
    name: nameOf(main.file),
    sizes,
    tune,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A model's file, open, and what its header says. */
export interface OpenModel extends AsyncDisposable {
  /** Its bytes. */
  source: FingerprintedSource;
  /** Its header. */
  file: GgufFile;
  /** What loads it. */
  architecture: Architecture;
  /** Its hyperparameters. */
  config: LlamaConfig;
  /** Its tensors by their roles. */
  tensors: LlamaTensors;
  /** Its tokenizer. */
  tokenizer: Tokenizer;
}

async function openModel(
  input: ModelInput,
  { as, rope, signal, download }: Pick<
    LoadModelOptions,
    "as" | "rope" | "signal" | "download"
  >,
): Promise<OpenModel> {
  const source = new FingerprintedSource(
    abortable(await openInput(input, { ...download, signal }), signal),
  );
  try {
    const file = await readGguf(source);
    const architecture = architectureOf(file);
    const config = architecture.readConfig(file, rope);
    return {
      source,
      file,
      architecture,
      config,
      tensors: await packed(file, architecture.findTensors(file, config), as),
      tokenizer: Tokenizer.fromMetadata(file.metadata),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** The tensors as they are to be on the GPU. */
async function packed(
  file: GgufFile,
  tensors: LlamaTensors,
  as: PackedType | undefined,
): Promise<LlamaTensors> {
  // What is no type is refused with the other options.
  if (as === undefined || !PACKED_TYPES.includes(as)) return tensors;
  const { packTensors } = await import("./pack_tensors.ts");
  return packTensors(file, tensors, as);
}

/** Opens a draft model, whose tokens must be those of the model. */
async function openDraft(
  input: ModelInput,
  { file }: OpenModel,
  { signal, download }: LoadModelOptions,
): Promise<OpenModel> {
  const draft = await openModel(input, {
    signal,
    download: { ...download, sha256: undefined }, // it is the model's
  });
  const wanted = tokensOf(file);
  const tokens = tokensOf(draft.file);
  const differs = Array.from(
    { length: Math.max(wanted.length, tokens.length) },
    (_, id) => id,
  ).find((id) => wanted[id] !== tokens[id]);
  if (differs === undefined) return draft;
  await draft[Symbol.asyncDispose]();
  throw new Error(
    `Cannot take "${draft.file.label}" as a draft of "${file.label}": token ${differs} is ${
      JSON.stringify(tokens[differs])
    }, ${JSON.stringify(wanted[differs])} is wanted`,
  );
}

function tokensOf({ metadata }: GgufFile): readonly MetadataValue[] {
  const tokens = metadata["tokenizer.ggml.tokens"];
  return Array.isArray(tokens) ? tokens : [];
}

/** Loads the weights of a model, and puts it together. */
async function loadLlama(
  gpu: Gpu,
  { source, file, architecture, config, tensors, tokenizer }: OpenModel,
  options: LoadModelOptions & {
    contextLength: number;
    batchSize: number;
    tune: TuneMode;
  },
): Promise<LlamaParts> {
  const { kv = "f16", onProgress, signal } = options;
  const pool = new BufferPool(gpu.device);
  try {
    await source.prepare();
    await source.takeHeader(file);
    using packer = await openPacker(options);
    const weights = await loadWeights({ gpu, pool }, { source, tensors }, {
      onProgress,
      signal,
      packer,
    });
    const parts = { config, weights, tokenizer };
    const { fingerprint } = source;
    return await assembleLlama({ gpu, pool }, { ...parts, fingerprint }, {
      ...options,
      kv,
      int8: options.activations === "int8",
      create: architecture.create,
    });
  } catch (error) {
    pool[Symbol.dispose]();
    if (!(error instanceof GpuMemoryError)) throw error;
    throw new Error(
      `Cannot load "${file.label}" of ${
        formatBytes(file.size)
      }: ${error.message}`,
      { cause: error },
    );
  }
}

/** Starts what quantizes weights, where some are to be. */
async function openPacker(
  { as, signal }: LoadModelOptions,
): Promise<Packer & Disposable | undefined> {
  if (as === undefined) return undefined;
  const { startPacker } = await import("./packer.ts");
  return startPacker(signal);
}
