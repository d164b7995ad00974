import { join } from "node:path";
import { readGguf, type TensorInfo } from "../src/gguf/reader.ts";
import { type ByteSource, openSource } from "../src/gguf/source.ts";
import { quantizeFile } from "../src/quantize/quantize_file.ts";
import { isQuantizable } from "../src/quantize/tensor_roles.ts";
import { importanceDat } from "./importance.ts";

/** What {@linkcode compareQuantized} compares. */
export interface QuantizedPair {
  /** A file of floats. */
  source: string | URL;
  /** The file that another program made of it. */
  reference: string | URL;
  /** What it was quantized to. */
  type: string;
  /** Workers that share the work. Defaults to none. */
  workers?: number;
}

/** How a file compares with another program's. */
export interface Comparison {
  /** Whether every byte of the files is the same. */
  identical: boolean;
  /** How many tensors the reference has. */
  tensors: number;
  /** Tensors of another format, or missing. */
  otherFormat: string[];
  /** Tensors of the same format and other bytes. */
  otherBytes: string[];
  /** Tensors that nobody can compare: their importance is not known here. */
  unknown: string[];
  /** Weights that were packed in a second. */
  weightsPerSecond: number;
}

/**
 * Quantizes a file and compares the result with what another program made.
 *
 * @param pair The files. Where the reference was made with an importance matrix,
 * its tensors that were not weighed are compared.
 * @returns What is the same.
 */
export async function compareQuantized(
  { source, reference, type, workers = 0 }: QuantizedPair,
): Promise<Comparison> {
  const folder = await Deno.makeTempDir();
  try {
    await using wanted = await openSource(reference);
    const { tensors, metadata } = await readGguf(wanted);
    const hasImportance = metadata["quantize.imatrix.file"] !== undefined;
    const output = join(folder, "out.gguf");
    const importance = hasImportance ? uniform(tensors) : undefined;
    const { weightsPerSecond, tensors: done } = await quantizeFile(
      source,
      output,
      type,
      { importance, workers },
    );
    const weighed = new Set(
      done.filter((tensor) => tensor.weighed).map(({ name }) => name),
    );
    await using written = await openSource(output);
    return {
      identical: await equalBytes(wanted, written),
      tensors: tensors.size,
      weightsPerSecond,
      ...await compareTensors(wanted, written, weighed),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Importance that makes no difference between columns. */
function uniform(
  tensors: ReadonlyMap<string, TensorInfo>,
): Uint8Array<ArrayBuffer> {
  const matrices = [...tensors.values()].filter((tensor) =>
    tensor.name.startsWith("blk.") && isQuantizable(tensor)
  );
  return importanceDat(matrices.map(({ name, shape }) => ({
    name,
    calls: 1,
    sums: Array.from({ length: shape[0]! }, () => 1),
  })));
}

async function compareTensors(
  wanted: ByteSource,
  written: ByteSource,
  weighed: ReadonlySet<string>,
): Promise<Pick<Comparison, "otherFormat" | "otherBytes" | "unknown">> {
  const result = {
    otherFormat: [] as string[],
    otherBytes: [] as string[],
    unknown: [] as string[],
  };
  const { tensors } = await readGguf(written);
  for (const [name, tensor] of (await readGguf(wanted)).tensors) {
    const own = tensors.get(name);
    if (own?.format.name !== tensor.format.name) result.otherFormat.push(name);
    else if (weighed.has(name)) result.unknown.push(name);
    else {
      const [a, b] = await Promise.all([
        bytesOf(wanted, tensor),
        bytesOf(written, own),
      ]);
      if (!equal(a, b)) result.otherBytes.push(name);
    }
  }
  return result;
}

async function bytesOf(
  source: ByteSource,
  { offset, bytes }: { offset: number; bytes: number },
): Promise<Uint8Array> {
  const data = new Uint8Array(bytes);
  await source.readInto(data, offset);
  return data;
}

async function equalBytes(a: ByteSource, b: ByteSource): Promise<boolean> {
  if (a.size !== b.size) return false;
  const [x, y] = await Promise.all(
    [a, b].map((source) => bytesOf(source, { offset: 0, bytes: source.size })),
  );
  return equal(x!, y!);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
