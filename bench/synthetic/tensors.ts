import type { TensorInfo } from "../../src/gguf/reader.ts";
import { blockFormatByName } from "../../src/gguf/formats.ts";
import type { LlamaTensors } from "../../src/model/tensors.ts";
import type { SyntheticShape } from "./shapes.ts";
import { findType, type MatrixPlace } from "./types.ts";

/**
 * The tensors of a model that no file holds.
 *
 * @param shape The model.
 * @param type How its weights are packed; see {@linkcode findType}.
 * @returns The tensors; their offsets mean nothing.
 */
export function describeTensors(
  shape: SyntheticShape,
  type: string,
): LlamaTensors {
  const { dim, hiddenDim, layers, heads, kvHeads, headDim, vocabularySize } =
    shape;
  const { codecOf } = findType(type);
  const describe = (name: string, format: string, sizes: number[]) => {
    const block = blockFormatByName(format)!;
    const elements = sizes.reduce((product, size) => product * size);
    const bytes = elements / block.blockSize * block.bytes;
    return { name, shape: sizes, format: block, offset: 0, bytes, elements };
  };
  const vector = (name: string, length: number) =>
    describe(`${name}.weight`, "F32", [length]);
  const matrix = (
    prefix: string,
    place: Pick<MatrixPlace, "name" | "layer" | "isHead">,
    [rows, cols]: [rows: number, cols: number],
  ): TensorInfo => {
    const groupSize = heads / kvHeads;
    const { name } = codecOf({ ...place, layers, groupSize, cols });
    return describe(`${prefix}${place.name}.weight`, name, [cols, rows]);
  };
  const outer = (name: string, isHead: boolean) =>
    matrix("", { name, layer: 0, isHead }, [vocabularySize, dim]);
  const width = heads * headDim;
  const kvWidth = kvHeads * headDim;
  return {
    tokenEmbd: outer("token_embd", shape.tied),
    outputNorm: vector("output_norm", dim),
    output: shape.tied ? undefined : outer("output", true),
    ropeFreqs: undefined,
    layers: Array.from({ length: layers }, (_, layer) => {
      const of = (name: string, rows: number, cols: number) =>
        matrix(`blk.${layer}.`, { name, layer, isHead: false }, [rows, cols]);
      return {
        attnNorm: vector(`blk.${layer}.attn_norm`, dim),
        attnQ: of("attn_q", width, dim),
        attnK: of("attn_k", kvWidth, dim),
        attnV: of("attn_v", kvWidth, dim),
        attnOutput: of("attn_output", dim, width),
        ffnNorm: vector(`blk.${layer}.ffn_norm`, dim),
        ffnGate: of("ffn_gate", hiddenDim, dim),
        ffnUp: of("ffn_up", hiddenDim, dim),
        ffnDown: of("ffn_down", dim, hiddenDim),
      };
    }),
  };
}

/** Every tensor, in the order of a file. */
export function listTensors(tensors: LlamaTensors): TensorInfo[] {
  const { tokenEmbd, outputNorm, output, ropeFreqs, layers } = tensors;
  return [
    tokenEmbd,
    ...layers.flatMap((layer) => Object.values<TensorInfo>({ ...layer })),
    outputNorm,
    output,
    ropeFreqs,
  ].filter((tensor) => tensor !== undefined);
}
