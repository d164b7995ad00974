import type { RowsKernel } from "../kernels/batch.ts";
import { strideOf } from "../kernels/matrix.ts";
import type { RmsNorm } from "../kernels/rms_norm.ts";
import type { LlamaConfig } from "./config.ts";
import {
  bindGateUp,
  bindLinear,
  type LinearNorm,
  type LinearScope,
} from "./linear.ts";
import { type LlamaState, qkvDim } from "./state.ts";
import type { LayerWeights } from "./weights.ts";

/** A layer's kernels, in order; attention stands between qkv and output. */
export interface BoundLayer {
  attnQkv: RowsKernel; // x, normalized -> qkv
  attnOutput: RowsKernel; // attn -> x, added
  ffnGateUp: RowsKernel; // x, normalized -> hidden
  ffnDown: RowsKernel; // hidden -> x, added
}

/** What the layers of a model share. */
export interface LayerOptions {
  /** The hyperparameters. */
  config: LlamaConfig;
  /** The activations. */
  state: LlamaState;
  /** The batch; see `batch.ts`. */
  batch: GPUBufferBinding;
  /** The norm before each half of a layer. */
  rmsNorm: RmsNorm;
}

/**
 * Binds the products of one layer to its weights and the activations.
 *
 * @param linear The device, and how products are run.
 * @param layer The weights.
 * @param options What the layers share.
 * @returns Its kernels.
 */
export async function bindLayer(
  linear: LinearScope,
  layer: LayerWeights,
  { config, state, batch, rmsNorm }: LayerOptions,
): Promise<BoundLayer> {
  const { dim, hiddenDim, normEps: eps } = config;
  const { x, normed } = state;
  const residual = { y: x, yStride: strideOf(dim), accumulate: true, batch };
  const normalize = (weight: GPUBuffer): LinearNorm => ({
    dim,
    eps,
    weight,
    normed,
    kernel: rmsNorm.bind({ x, weight, y: normed, batch }),
  });
  return {
    attnQkv: await bindLinear(linear, layer.attnQkv, {
      x,
      norm: normalize(layer.attnNorm),
      y: state.qkv,
      yStride: qkvDim(config),
      batch,
    }),
    attnOutput: await bindLinear(linear, [layer.attnOutput], {
      x: state.attn,
      ...residual,
    }),
    ffnGateUp: await bindGateUp(linear, layer.ffnGateUp, {
      x,
      norm: normalize(layer.ffnNorm),
      gateUp: state.gateUp,
      hidden: state.hidden,
      hiddenDim,
      batch,
    }),
    ffnDown: await bindLinear(linear, [layer.ffnDown], {
      x: state.hidden,
      ...residual,
    }),
  };
}
