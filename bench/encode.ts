/**
 * CPU cost of one decode step of a graph as deep as llama13b: 40 layers.
 *
 * The cost of recording does not depend on how wide a layer is, but the GPU's
 * work does: on a software driver it would take the CPU that is measured. So
 * encode and finish are measured on the real shapes, which are never submitted,
 * and all three again on narrow ones, which are.
 *
 *     deno run -A bench/encode.ts [--json]
 *
 * @module
 */

import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { controlWords } from "../src/kernels/control.ts";
import { createMatrix } from "../src/kernels/matrix.ts";
import { Q4_0 } from "../src/kernels/quant/q4_0.ts";
import type { LlamaConfig } from "../src/model/config.ts";
import { createKvBuffers } from "../src/model/kv_buffers.ts";
import { defaultChoices } from "../src/kernels/choices.ts";
import { batchOf, createLlama } from "../src/model/llama.ts";
import { createState } from "../src/model/state.ts";
import type { LlamaWeights } from "../src/model/weights.ts";
import { createReadback } from "../src/gpu/readback.ts";
import { findShape } from "./synthetic/shapes.ts";

const LLAMA_13B = findShape("llama13b");
/** The same graph on layers that cost nothing. */
const NARROW = findShape("narrow13b");

/** Positions before the step; at the second, attention is two dispatches. */
const DEPTHS = [0, 2048] as const;
const CONTEXT = 2304;

const WARM_UP = 20;
const STEPS = 200;

/** Weights of zeros; all layers share the buffers of one. */
function shareWeights(
  pool: BufferPool,
  gpu: Gpu,
  c: LlamaConfig,
): LlamaWeights {
  const maxBytes = gpu.device.limits.maxStorageBufferBindingSize;
  const matrix = (label: string, rows: number, cols: number) =>
    createMatrix(pool, { label, rows, cols, codec: Q4_0, maxBytes });
  const norm = pool.create({ label: "norm", size: 4 * c.dim });
  const width = c.heads * c.headDim;
  const layer = {
    attnNorm: norm,
    attnQkv: [matrix("qkv", width + 2 * c.kvHeads * c.headDim, c.dim)],
    attnOutput: matrix("output", c.dim, width),
    ffnNorm: norm,
    ffnGateUp: [matrix("gate_up", 2 * c.hiddenDim, c.dim)],
    ffnDown: matrix("down", c.dim, c.hiddenDim),
  };
  return {
    tokenEmbd: matrix("embd", c.vocabularySize, c.dim),
    outputNorm: norm,
    output: matrix("head", c.vocabularySize, c.dim),
    ropeFreqs: undefined,
    layers: Array.from({ length: c.layers }, () => layer),
  };
}

interface Costs {
  encode: number[];
  finish: number[];
  submit: number[];
}

async function measure(
  gpu: Gpu,
  config: LlamaConfig,
  { submit, depth }: { submit: boolean; depth: number },
): Promise<Costs> {
  using pool = new BufferPool(gpu.device);
  const shape = { config, context: CONTEXT, kv: "f16" } as const;
  const weights = shareWeights(pool, gpu, config);
  const state = createState(gpu, pool, { config, batch: 1 });
  const llama = await createLlama({ gpu, pool }, {
    ...shape,
    weights,
    state,
    choices: defaultChoices(gpu),
  });
  // One cache for all layers: the bind groups are what counts.
  const [layer] = createKvBuffers(pool, {
    ...shape,
    config: { ...config, layers: 1 },
  }).layers;
  const attention = llama.bindCache({
    layers: Array.from({ length: config.layers }, () => layer!),
  });
  await pool.check("the benchmark");
  const bytes = 4 * config.vocabularySize;
  const sync = gpu.syncReadback;
  const readback = createReadback(gpu.device, { size: bytes, sync });

  const costs: Costs = { encode: [], finish: [], submit: [] };
  for (let step = 0; step < WARM_UP + STEPS; step++) {
    const position = depth + step % (CONTEXT - DEPTHS[1]);
    const start = performance.now();
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const row = { rows: 1, position, kind: "step" } as const;
    llama.forward(pass, batchOf(row, attention));
    llama.head(pass, 1, "step");
    pass.end();
    encoder.copyBufferToBuffer(state.logits, 0, readback.buffer, 0, bytes);
    const encoded = performance.now();
    const commands = encoder.finish();
    const finished = performance.now();
    if (submit) {
      const ids = [step % config.vocabularySize];
      const words = controlWords({ ids, position, headFirst: 0, headRows: 1 });
      gpu.device.queue.writeBuffer(state.control, 0, words);
      gpu.device.queue.submit([commands]);
    }
    const submitted = performance.now();
    if (submit) await readback.read(bytes);
    if (step < WARM_UP) continue;
    costs.encode.push(encoded - start);
    costs.finish.push(finished - encoded);
    costs.submit.push(submitted - finished);
  }
  readback.buffer.destroy();
  return costs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function report({ encode, finish, submit }: Costs) {
  const total = encode.map((ms, i) => ms + finish[i]! + submit[i]!);
  return {
    encodeMs: median(encode),
    finishMs: median(finish),
    submitMs: median(submit),
    totalMs: median(total),
  };
}

/** What a step costs the CPU behind so many positions. */
async function measureDepth(gpu: Gpu, depth: number) {
  const wide = await measure(gpu, LLAMA_13B, { submit: false, depth });
  const narrow = report(await measure(gpu, NARROW, { submit: true, depth }));
  const { encodeMs, finishMs } = report(wide);
  return {
    depth,
    llama13b: { encodeMs, finishMs },
    narrow,
    // The real shapes' own recording, and the submit of as many dispatches.
    stepMs: encodeMs + finishMs + narrow.submitMs,
  };
}

/** What was measured, as `--json` prints it. */
export interface EncodeResult {
  device: string;
  layers: number;
  steps: number;
  depths: Awaited<ReturnType<typeof measureDepth>>[];
}

function format({ device, depths }: EncodeResult): string {
  const ms = (value: number) => `${value.toFixed(3)} ms`;
  const lines = depths.flatMap(({ depth, llama13b, narrow, stepMs }) => [
    `at depth ${depth}`,
    `  llama13b shapes: encode ${ms(llama13b.encodeMs)}, ` +
    `finish ${ms(llama13b.finishMs)}`,
    `  narrow shapes:   encode ${ms(narrow.encodeMs)}, ` +
    `finish ${ms(narrow.finishMs)}, submit ${ms(narrow.submitMs)}`,
    `  CPU cost of a step: ${ms(stepMs)}`,
  ]);
  const what = `${device}: medians of ${STEPS} steps of ${LLAMA_13B.layers}`;
  return [`${what} layers`, ...lines].join("\n");
}

if (import.meta.main) {
  const gpu = await requestGpu();
  const depths: EncodeResult["depths"] = [];
  for (const depth of DEPTHS) depths.push(await measureDepth(gpu, depth));
  gpu.device.destroy();
  const result: EncodeResult = {
    device: gpu.info.description,
    layers: LLAMA_13B.layers,
    steps: STEPS,
    depths,
  };
  const text = Deno.args.includes("--json")
    ? JSON.stringify(result, null, 2)
    : format(result);
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
