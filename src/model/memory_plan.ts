import type { Gpu } from "../gpu/gpu.ts";
import { createLedger, type LedgerDevice } from "../gpu/ledger.ts";
import { createNoBranches } from "../kernels/batch.ts";
import { createPartials } from "../kernels/attention_step.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { codecTable } from "../kernels/quant/codec.ts";
import { createChoiceBuffers } from "./chooser.ts";
import type { LlamaConfig } from "./config.ts";
import { createKvBuffers, positionBytes } from "./kv_buffers.ts";
import { createRopeBuffer } from "./llama.ts";
import { storedTensor, type Upload } from "./pieces.ts";
import { IDS_BYTES, logitsBytes } from "./results.ts";
import { createState } from "./state.ts";
import type { LlamaTensors } from "./tensors.ts";
import { type Staging, stagingOf } from "./upload.ts";
import { allocateWeights } from "./weights.ts";

/** Weights of one format, as they lie on the GPU. */
export interface PlannedWeights {
  /** The format: of the GPU's, where weights are quantized while loading. */
  type: string;
  /** How many tensors. */
  tensors: number;
  /** Their formats in the file. */
  fileTypes: string[];
  /** Their bytes in the file. */
  fileBytes: number;
  /** Their bytes on the GPU, in buffers of whole blocks of 32. */
  bytes: number;
  /**
   * Parts that the most divided of them is cut into, as a binding of the device
   * does not hold it whole.
   */
  slices: number;
}

/** The GPU memory of one model, in bytes. */
export interface ModelPlan {
  /** What the file is called. */
  label: string;
  /** Positions of a conversation. */
  contextLength: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Prompt tokens that run in one step. */
  batchSize: number;
  /** Weights by format, the most bytes first. */
  weights: PlannedWeights[];
  /** All weights. */
  weightBytes: number;
  /** The KV cache of a conversation. */
  kvBytes: number;
  /** A position of it. */
  kvBytesPerPosition: number;
  /** Activations of a step, and the tables and partial results of kernels. */
  scratchBytes: number;
  /** Logits, what chooses among them, and the buffer that ids are read through. */
  logitsBytes: number;
  /** All that stays allocated once the model is loaded. */
  totalBytes: number;
  /** Taken besides the weights while they are loaded, and freed behind that. */
  staging: Staging;
  /** What is allocated later, when it is first asked for. */
  onDemand: {
    /** Reading logits back: scores, `onLogits`, samplers on the CPU. */
    logitsBytes: number;
    /** Holding texts to a grammar. */
    grammarBytes: number;
    /** A conversation more, at the same time or as a session. */
    conversationBytes: number;
  };
  /** The largest buffer, and the most that the device takes. */
  largest: { label: string; bytes: number; limitBytes: number };
}

/** Options for {@linkcode planLlama}. */
export interface PlanLlamaOptions {
  /** What the file is called. */
  label: string;
  /** The hyperparameters. */
  config: LlamaConfig;
  /** The tensors. */
  tensors: LlamaTensors;
  /** Tokens of the vocabulary. */
  tokens: number;
  /** Positions of a conversation. */
  context: number;
  /** Most prompt tokens that run in one step. */
  batch: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Whether the input of products is rounded to 8 bits. */
  int8: boolean;
}

/**
 * Foretells the GPU memory of a model: the code that allocates it is run on a
 * ledger. The parameters of kernels, some KB, are left out.
 *
 * @param device What it is to run on.
 * @param options The model, and how it is loaded.
 * @returns The plan, also where the device is too small for it.
 */
export function planLlama(
  device: LedgerDevice,
  { label, config, tensors, tokens, context, batch, kv, int8 }:
    PlanLlamaOptions,
): ModelPlan {
  const ledger = createLedger(device);
  const { gpu, pool } = ledger;
  let before = 0;
  /** Bytes since it was last asked. */
  const taken = () => {
    const bytes = ledger.bytes - before;
    before = ledger.bytes;
    return bytes;
  };
  const { uploads } = allocateWeights({ gpu, pool }, tensors);
  const weights = byType(uploads);
  const weightBytes = taken();
  createKvBuffers(pool, { config, context, kv });
  const kvBytes = taken();
  const { batch: batchSize, headRows, logits } = createState(gpu, pool, {
    ...{ config, batch, int8 },
  });
  createRopeBuffer(pool, { config, context });
  createPartials({ gpu, pool }, config);
  createNoBranches(pool);
  createTables(gpu, uploads);
  const scratchBytes = taken() - logits.size;
  const { vocabularySize } = config;
  const shape = { size: tokens, stride: vocabularySize, context };
  createChoiceBuffers(pool, shape);
  const choiceBytes = taken() + IDS_BYTES;
  const all = { weightBytes, kvBytes, scratchBytes };
  const limitBytes = Math.min(
    device.maxBufferSize,
    device.maxStorageBufferBindingSize,
  );
  const largest = ledger.buffers.reduce((a, b) => b.size > a.size ? b : a);
  return {
    label,
    contextLength: context,
    kv,
    batchSize,
    weights,
    ...all,
    kvBytesPerPosition: 2 * config.layers * positionBytes(config, kv),
    logitsBytes: logits.size + choiceBytes,
    totalBytes: weightBytes + kvBytes + scratchBytes + logits.size +
      choiceBytes,
    staging: stagingOf(gpu, uploads),
    onDemand: {
      logitsBytes: logitsBytes(config, headRows),
      grammarBytes: 4 * vocabularySize + 4 * Math.ceil(tokens / 32),
      conversationBytes: kvBytes + choiceBytes,
    },
    largest: { label: largest.label, bytes: largest.size, limitBytes },
  };
}

/** Makes the lookup tables of the formats, once a device as kernels do. */
function createTables(gpu: Gpu, uploads: readonly Upload[]): void {
  for (const { matrix } of uploads) {
    if (matrix !== undefined) codecTable(gpu, matrix.matrix.codec);
  }
}

/** Sums tensors up by the formats that they have on the GPU. */
function byType(uploads: readonly Upload[]): PlannedWeights[] {
  const types = new Map<string, PlannedWeights>();
  const seen = new Set<Matrix>();
  for (const { tensor, matrix, vector } of uploads) {
    const type = matrix?.matrix.codec.name ?? "F32"; // as vectors are
    const sum = types.get(type) ??
      { type, tensors: 0, fileTypes: [], fileBytes: 0, bytes: 0, slices: 1 };
    const stored = storedTensor(tensor);
    types.set(type, sum);
    sum.tensors++;
    sum.fileBytes += stored.bytes;
    if (!sum.fileTypes.includes(stored.format.name)) {
      sum.fileTypes.push(stored.format.name);
    }
    sum.bytes += vector?.size ?? 0;
    if (matrix === undefined || seen.has(matrix.matrix)) continue;
    seen.add(matrix.matrix);
    const { parts } = matrix.matrix;
    sum.slices = Math.max(sum.slices, parts.length);
    for (const { quants, scales, high } of parts) {
      sum.bytes += quants.size + (scales?.size ?? 0) + (high?.size ?? 0);
    }
  }
  return [...types.values()].sort((a, b) => b.bytes - a.bytes);
}
