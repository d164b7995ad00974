import { openSource } from "../src/gguf/source.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { projectFile } from "./engine.ts";

/** Weights, and the blocks that llama.cpp makes of them. */
export interface QuantizeGolden {
  /** ggml's name of the format. */
  format: string;
  /** What is packed, for names of tests. */
  what: string;
  /** The weights, `[rows, columns]`. */
  rows: Float32Array<ArrayBuffer>;
  /** Weights of a row. */
  columns: number;
  /** Importance of the columns, where it was given. */
  importance: Float32Array<ArrayBuffer> | undefined;
  /** The blocks. */
  blocks: Uint8Array<ArrayBuffer>;
}

/** Reads the fixture; its README says how it was made. */
export async function readQuantizeGoldens(): Promise<QuantizeGolden[]> {
  const path = projectFile("tests/fixtures/quantize/blocks.gguf");
  await using source = await openSource(path);
  const { tensors } = await readGguf(source);
  const bytesOf = async (name: string) => {
    const { bytes, offset } = tensors.get(name)!;
    const data = new Uint8Array(bytes);
    await source.readInto(data, offset);
    return data;
  };
  const floatsOf = async (name: string) =>
    new Float32Array((await bytesOf(name)).buffer);

  const goldens: QuantizeGolden[] = [];
  for (const { name, shape } of tensors.values()) {
    const [weights, ...rest] = name.split(".");
    const format = rest.at(-1);
    if (weights === undefined || format === undefined) continue;
    const isWeighed = rest.length > 1;
    goldens.push({
      format,
      what: isWeighed ? `${weights} by importance` : weights,
      rows: await floatsOf(weights),
      columns: shape[0]!,
      importance: isWeighed ? await floatsOf("importance") : undefined,
      blocks: await bytesOf(name),
    });
  }
  return goldens;
}

/** What llama.cpp makes of whole models. */
export interface LlamaCppGoldens {
  /** SHA-256 of quantized files by type. */
  files: { of: string; sha256: Record<string, string> };
  /** Formats of matrices by type and name, as runs of layers. */
  mixes: {
    layers: number;
    heads: number;
    kvHeads: number;
    tied: boolean;
    types: Record<string, Record<string, string>>;
  }[];
}

/** Reads the fixture; its README says how it was made. */
export function readLlamaCppGoldens(): LlamaCppGoldens {
  const path = projectFile("tests/fixtures/quantize/llama_cpp.json");
  return JSON.parse(Deno.readTextFileSync(path));
}
