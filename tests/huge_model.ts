import { blockFormatByName } from "../src/gguf/formats.ts";
import { u32 } from "./gguf_builder.ts";
import { makeModel } from "./models.ts";

/** Sizes of a {@linkcode writeHugeModel}; the head size is 128. */
export interface HugeModelOptions {
  /** Width of the residual stream, a multiple of 128. */
  dim: number;
  /** Width of the feed-forward blocks. */
  hiddenDim: number;
  /** Layers. Defaults to 2. */
  layers?: number;
  /** Format of the matrices. Defaults to `"F32"`. */
  format?: string;
}

/**
 * Writes a model that takes no room: behind the header lies a
 * hole, which reads as zeros.
 *
 * @param path The file to write.
 * @param options Its sizes.
 * @returns Bytes of the file, as the file system reports them.
 */
export async function writeHugeModel(
  path: string,
  { dim, hiddenDim, layers = 2, format = "F32" }: HugeModelOptions,
): Promise<number> {
  const rows: [string, number[]][] = [
    ["token_embd", [dim, 300]],
    ["norm", [dim]],
    ["ffn_gate", [dim, hiddenDim]],
    ["ffn_up", [dim, hiddenDim]],
    ["ffn_down", [hiddenDim, dim]],
    ["attn", [dim, dim]],
  ];
  let size = 0;
  const header = makeModel({
    tied: true,
    layers,
    metadata: {
      "llama.embedding_length": u32(dim),
      "llama.feed_forward_length": u32(hiddenDim),
      "llama.attention.head_count": u32(dim / 128),
      "llama.attention.head_count_kv": u32(dim / 128),
    },
    change: (tensors) =>
      tensors.map((tensor) => {
        const [, dims] = rows.find(([part]) => tensor.name.includes(part))!;
        const offset = size;
        const type = dims.length > 1 ? format : "F32";
        const { blockSize, bytes } = blockFormatByName(type)!;
        const count = dims.reduce((product, dim) => product * dim, 1);
        size += Math.ceil(count / blockSize * bytes / 32) * 32;
        // No data of its own but the few bytes that the builder insists on.
        const shape = [Math.max(8, blockSize)];
        return { name: tensor.name, format: type, shape, dims, offset };
      }),
  });
  await Deno.writeFile(path, header);
  await Deno.truncate(path, header.length + size);
  return header.length + size;
}

/**
 * Makes a file of such a model, with layers as in a model of 1.1 B weights.
 *
 * @param type Format of the matrices.
 * @param mebibytes About how large it is.
 * @returns Its path, and its removal.
 * @throws {RangeError} If there is no such format.
 */
export async function makeHugeFile(
  type: string,
  mebibytes: number,
): Promise<AsyncDisposable & { path: string }> {
  const format = type.toUpperCase();
  const block = blockFormatByName(format);
  if (block === undefined) {
    throw new RangeError(`Cannot make a model: there is no format "${type}"`);
  }
  const { blockSize, bytes } = block;
  const [dim, hiddenDim] = [2048, 5632];
  const layer = (4 * dim * dim + 3 * dim * hiddenDim) / blockSize * bytes;
  const layers = Math.max(1, Math.round(mebibytes * 2 ** 20 / layer));
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  const remove = () => Deno.remove(path);
  try {
    await writeHugeModel(path, { dim, hiddenDim, layers, format });
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
