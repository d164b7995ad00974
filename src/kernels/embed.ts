import {
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import code from "./embed.wgsl" with { type: "text" };
import { bindWeights, type Matrix } from "./matrix.ts";
import { codecCode } from "./quant/codec.ts";

/** Buffers of one {@linkcode Embed} dispatch. */
export interface EmbedBuffers {
  /** Token ids, `[batch]` u32. */
  tokens: Binding;
  /** Output, `[batch, stride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Embedding lookup. */
export interface Embed {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: EmbedBuffers): BatchKernel;
}

/**
 * Compiles `y[m] = table[tokens[m]]`.
 *
 * @param scope The device and the owner of the parameters.
 * @param table The embeddings, `[vocabulary, dim]`.
 * @returns The compiled kernel.
 */
export async function createEmbed(
  { gpu, pool }: KernelScope,
  table: Matrix,
): Promise<Embed> {
  const { device } = gpu;
  const { codec, blocks, parts } = table;
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const pipeline = await compileKernel(gpu, {
    label: `embed.${codec.name}`,
    code: [...codecCode(codec), code],
    constants: { WORKGROUP_SIZE },
  });
  return {
    bind({ tokens, y, batch }) {
      const groups = parts.map((part) =>
        bindWeights(gpu, pipeline, { codec, part }, [
          tokens,
          y,
          pool.uniform([blocks, part.firstRow, part.rows]),
          batch,
        ])
      );
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        const [x, z] = grid(Math.ceil(rows * blocks / WORKGROUP_SIZE), limit);
        for (const group of groups) {
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(x, z);
        }
      };
    },
  };
}
