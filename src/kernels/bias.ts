import type { BufferPool } from "../gpu/buffers.ts";
import {
  bindBuffers,
  type Binding,
  type BoundKernel,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import code from "./bias.wgsl" with { type: "text" };
import choiceCode from "./choice.wgsl" with { type: "text" };
import type { SampleBuffers } from "./sample.ts";

/**
 * Rules a token out, as WGSL promises nothing about infinity: so far below every
 * logit that nothing is left of it whatever the temperature, and far enough from
 * overflow that a penalty may multiply it.
 */
export const BANNED = -1e30;

/** What is added to the logits of some tokens. */
export interface Biases {
  /** Token ids, each once, `[count]`. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** What is added to each, from {@linkcode BANNED} up, `[count]` f32. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Allocates room for biases of all `size` tokens. */
export function createBiasBuffer(pool: BufferPool, size: number): GPUBuffer {
  return pool.create({ label: "biases", size: 4 * (1 + 2 * size) });
}

/**
 * Writes what is added from the next step on.
 *
 * @param device The device of the buffer.
 * @param buffer See {@linkcode createBiasBuffer}.
 * @param biases The biases; ids beyond `size` are left out.
 * @param size Tokens that the buffer has room for.
 */
export function writeBiases(
  { queue }: GPUDevice,
  buffer: GPUBuffer,
  { ids, values }: Biases,
  size: number,
): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint32Array(1 + 2 * ids.length);
  let count = 0;
  for (const [i, id] of ids.entries()) {
    if (id >= size) continue;
    words.set([id, bits[i]!], 1 + 2 * count++);
  }
  words[0] = count;
  queue.writeBuffer(buffer, 0, words, 0, 1 + 2 * count);
}

/** Buffers of a {@linkcode Bias}. */
export interface BiasBindings {
  /** `[rows, stride]` f32, changed in place. */
  logits: Binding;
  /** The control words; see `state.ts`. */
  control: Binding;
  /** The sequence's own, for the stride. */
  own: SampleBuffers;
  /** See {@linkcode createBiasBuffer}. */
  biases: Binding;
}

/** What is done to logits before a token is chosen. */
export interface Bias {
  /** Binds the kernel to fixed buffers. */
  bind(bindings: BiasBindings): BoundKernel;
}

/**
 * Compiles what {@linkcode biasOnCpu} does, for the row that is chosen from next.
 *
 * @param scope The device.
 * @returns The compiled kernel.
 */
export async function createBias({ gpu }: KernelScope): Promise<Bias> {
  const pipeline = await compileKernel(gpu, {
    label: "bias",
    code: [choiceCode, code],
    constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
  });
  return {
    bind({ logits, control, own, biases }) {
      const bindings = [logits, control, undefined, own.params, biases];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(1);
      };
    },
  };
}

/** Adds biases to the logits of one row in place, to the bit as the kernel does. */
export function biasOnCpu(
  logits: Float32Array,
  { ids, values }: Biases,
): void {
  for (let i = 0; i < ids.length; i++) logits[ids[i]!]! += values[i]!;
}
