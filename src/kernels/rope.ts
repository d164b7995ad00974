import {
  bindBuffers,
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import { type BatchKernel, createNoBranches } from "./batch.ts";
import branchesCode from "./branches.wgsl" with { type: "text" };
import { headOctets, headWords, KV_FORMATS, type KvType } from "./kv_cache.ts";
import code from "./rope.wgsl" with { type: "text" };
import {
  ropeFrequencies,
  type RopeFrequencyOptions,
  ropeMagnitude,
} from "./rope_scaling.ts";
import rotateCode from "./rotate.wgsl" with { type: "text" };

/**
 * Options for {@linkcode ropeTable}; dimensions past `dims` are left as they are.
 */
export interface RopeTableOptions extends RopeFrequencyOptions {
  /** Positions. */
  context: number;
  /** Head size. */
  headDim: number;
}

/**
 * The angles of rotary embedding, computed in f64: WGSL's own `sin` and `cos`
 * promise 11 bits, and only within one turn.
 *
 * @param options The frequencies.
 * @returns (cos, sin) of each pair, `[context, headDim / 2]` vec2f, times what
 * the scaling makes of rotated queries and keys.
 */
export function ropeTable(
  options: RopeTableOptions,
): Float32Array<ArrayBuffer> {
  const { context, headDim, scaling } = options;
  const pairs = headDim / 2;
  const table = new Float32Array(context * pairs * 2);
  const frequencies = ropeFrequencies(options);
  const magnitude = scaling === undefined ? 1 : ropeMagnitude(scaling);
  for (let pair = 0; pair < pairs; pair++) {
    const frequency = frequencies[pair] ?? 0;
    const length = pair < frequencies.length ? magnitude : 1;
    for (let position = 0; position < context; position++) {
      const angle = position * frequency;
      const i = (position * pairs + pair) * 2;
      table[i] = length * Math.cos(angle);
      table[i + 1] = length * Math.sin(angle);
    }
  }
  return table;
}

/** Buffers of one {@linkcode Rope} dispatch. */
export interface RopeBuffers {
  /** Heads of q, of k, of v, `[batch, stride]` f32. */
  qkv: Binding;
  /** From {@linkcode ropeTable}. */
  table: Binding;
  /** Rotated q, `[batch, heads, 2 * octets]` vec4f. */
  q: Binding;
  /** Cache of k, `[context, kvHeads, words]`. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, words]`. */
  v: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
  /** Where it forks: its rows' branches, `[batch]` vec2u. Defaults to none. */
  branches?: Binding | undefined;
}

/** Options for {@linkcode createRope}. */
export interface RopeOptions {
  /** Query heads. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Head size, even. */
  headDim: number;
  /** Floats from one row of `qkv` to the next. */
  stride: number;
  /** Element type of the cache. */
  kv: KvType;
}

/** Rotary embedding and KV write. */
export interface Rope {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: RopeBuffers): BatchKernel;
}

/**
 * Compiles the rotation of q and k and the append of k and v to the cache.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape and the cache's type.
 * @returns The compiled kernel.
 */
export async function createRope(
  { gpu, pool }: KernelScope,
  { heads, kvHeads, headDim, stride, kv }: RopeOptions,
): Promise<Rope> {
  if (headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot create rope: the head size is ${headDim}, an even number is wanted`,
    );
  }
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const format = KV_FORMATS[kv];
  const pipeline = await compileKernel(gpu, {
    label: `rope.kv_${kv}`,
    code: [format.code, format.writeCode, rotateCode, branchesCode, code],
    constants: { WORKGROUP_SIZE },
  });
  const octets = headOctets(headDim);
  const params = pool.uniform([
    heads,
    kvHeads,
    headDim,
    octets,
    headWords(headDim, kv),
    stride,
  ]);
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const rowSpans = (heads + 2 * kvHeads) * Math.ceil(octets / format.span);
  const none = createNoBranches(pool);
  return {
    bind({ qkv, table, q, k, v, batch, branches = none }) {
      const bindings = [qkv, table, q, k, v, params, batch, branches];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(
          ...grid(Math.ceil(rows * rowSpans / WORKGROUP_SIZE), limit),
        );
      };
    },
  };
}
