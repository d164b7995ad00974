import { Decoder } from "../../src/quantize/decode.ts";
import { quantizeRows } from "../../src/quantize/quantize_rows.ts";
import { llamaRoles, type LlamaShape } from "../../src/convert/names.ts";
import { readTensorBytes } from "../../src/gguf/chunks.ts";
import type { GgufFile } from "../../src/gguf/reader.ts";
import type { ByteSource } from "../../src/gguf/source.ts";
import { seeded } from "../gguf_mutate.ts";
import type { MadeTensor } from "./safetensors.ts";

/** The shape of a made checkpoint. */
export interface MadeShape {
  /** Width of the residual stream. */
  dim: number;
  /** Width of the feed-forward blocks. */
  hiddenDim: number;
  /** Transformer layers. */
  layers: number;
  /** Query heads. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Size of a head. */
  headDim: number;
  /** Rows of the embedding. */
  vocabulary: number;
  /** Whether the head is the embedding. */
  tied: boolean;
}

const BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Lengths of dimensions, by the names that `llamaRoles()` has for them. */
function lengths(shape: MadeShape): LlamaShape {
  const { heads, kvHeads, headDim } = shape;
  return { ...shape, queries: heads * headDim, keys: kvHeads * headDim };
}

/** The tensors of a model with seeded random weights, made as they are read. */
export function randomTensors(
  shape: MadeShape,
  { dtype = "BF16", seed = 1 }: { dtype?: string; seed?: number } = {},
): MadeTensor[] {
  const sizes = lengths(shape);
  return Array.from(llamaRoles(shape.layers))
    .filter(([name]) => !(shape.tied && name === "lm_head.weight"))
    .map(([name, role], i) => {
      const dims = role.shape.map((key) => sizes[key]);
      const isNorm = dims.length === 1;
      const elements = dims.reduce((product, n) => product * n, 1);
      // Outputs about as large as inputs, so that nothing grows with the layers.
      const scale = isNorm
        ? 0.1
        : name.includes("embed")
        ? 1
        : 1 / Math.sqrt(dims[1]!);
      const table = valueTable(scale, isNorm ? 1 : 0, { dtype, seed });
      return {
        name,
        dtype,
        shape: dims,
        bytes: elements * BYTES[dtype]!,
        data: () => randomData(elements, table, seed * 1000 + i),
      };
    });
}

/** 65,536 values of about a normal distribution, packed. */
function valueTable(
  scale: number,
  mean: number,
  { dtype, seed }: { dtype: string; seed: number },
): Uint8Array<ArrayBuffer> {
  const random = seeded(seed);
  const values = Float32Array.from({ length: 65_536 }, () => {
    const sum = random() + random() + random() + random() - 2;
    return mean + scale * Math.sqrt(3) * sum;
  });
  return quantizeRows(dtype, values, values.length);
}

function* randomData(
  elements: number,
  table: Uint8Array<ArrayBuffer>,
  seed: number,
): Generator<Uint8Array> {
  const size = table.length / 65_536;
  const wide = size === 4;
  const values = wide
    ? new Uint32Array(table.buffer)
    : new Uint16Array(table.buffer);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < elements;) {
    const count = Math.min(2 ** 20, elements - at);
    const chunk = wide ? new Uint32Array(count) : new Uint16Array(count);
    for (let i = 0; i < count; i++) {
      // xorshift32, whose upper half has no pattern that matters here
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      chunk[i] = values[state >>> 16]!;
    }
    at += count;
    yield new Uint8Array(chunk.buffer);
  }
}

/** The tensors of a GGUF file as the checkpoint that it was made of had them. */
export function tensorsOfGguf(
  file: GgufFile,
  source: ByteSource,
  { shape, dtype = "F32" }: { shape: MadeShape; dtype?: string },
): MadeTensor[] {
  return Array.from(llamaRoles(shape.layers)).flatMap(([name, role]) => {
    const tensor = file.tensors.get(role.name);
    if (tensor === undefined) return [];
    const heads = role.heads === undefined ? 0 : shape[role.heads];
    return [{
      name,
      dtype,
      shape: tensor.shape.toReversed(),
      bytes: tensor.elements * BYTES[dtype]!,
      async *data() {
        const bytes = await readTensorBytes(source, tensor);
        const { name: format } = tensor.format;
        const floats = await new Decoder().decode(format, bytes);
        const rows = heads === 0
          ? floats
          : halves(floats, heads, tensor.shape[0]!);
        yield quantizeRows(dtype, rows, rows.length);
      },
    }];
  });
}

/** Puts the rows of heads as checkpoints have them: even ones, then odd ones. */
function halves(
  floats: Float32Array,
  heads: number,
  columns: number,
): Float32Array {
  const headDim = floats.length / columns / heads;
  const target = new Float32Array(floats.length);
  for (let row = 0; row < heads * headDim; row++) {
    const inHead = row % headDim;
    const place = inHead % 2 * (headDim / 2) + Math.floor(inHead / 2);
    const to = row - inHead + place;
    target.set(
      floats.subarray(row * columns, (row + 1) * columns),
      to * columns,
    );
  }
  return target;
}
