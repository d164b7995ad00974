import {
  bindBuffers,
  type Binding,
  type BoundKernel,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import choiceCode from "./choice.wgsl" with { type: "text" };
import code from "./mask.wgsl" with { type: "text" };

/** Buffers of a {@linkcode Mask}. */
export interface MaskBindings {
  /** `[rows, stride]` f32, changed in place. */
  logits: Binding;
  /** The control words; see `state.ts`. */
  control: Binding;
  /** The sampler's parameters; see `sample.ts`. */
  params: Binding;
  /** A bit for each token, `[ceil(size / 32)]` u32. */
  allowed: Binding;
}

/** Forbids tokens on the GPU. */
export interface Mask {
  /** Binds the kernel to fixed buffers, for `size` tokens. */
  bind(bindings: MaskBindings, size: number): BoundKernel;
}

/**
 * Compiles the kernel that forbids tokens, before one is chosen.
 *
 * @param scope The device.
 * @returns The compiled kernel.
 */
export async function createMask(
  { gpu }: Pick<KernelScope, "gpu">,
): Promise<Mask> {
  const lanes = workgroupSize(gpu);
  const pipeline = await compileKernel(gpu, {
    label: "mask",
    code: [choiceCode, code],
    constants: { WORKGROUP_SIZE: lanes },
  });
  return {
    bind({ logits, control, params, allowed }, size) {
      // The ids that were chosen are not looked at.
      const bindings = [logits, control, undefined, params, allowed];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(Math.ceil(size / 32 / lanes));
      };
    },
  };
}

/**
 * Forbids tokens; what is chosen is what comes of the kernel's.
 *
 * @param logits The logits of all tokens.
 * @param allowed A bit for each token, `[ceil(size / 32)]`.
 * @returns The logits, in a copy.
 */
export function maskOnCpu(
  logits: Float32Array,
  allowed: Uint32Array,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    logits,
    (logit, i) => allowed[i >> 5]! >>> (i & 31) & 1 ? logit : -Infinity,
  );
}
