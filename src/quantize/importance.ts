import { quote } from "../gguf/quote.ts";
import { readGguf } from "../gguf/reader.ts";
import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions } from "../sources/options.ts";
import { openInput } from "../sources/open.ts";
import { readImportanceDat } from "./importance_dat.ts";
import { readImportanceGguf } from "./importance_gguf.ts";

/** How much the columns of a model's matrices matter, as it was measured. */
export interface ImportanceMatrix {
  /** What errors call it, and the quantized file is told. */
  readonly label: string;
  /** The text that it was measured on; `undefined` where it does not say. */
  readonly dataset: string | undefined;
  /** Chunks of the text; 0 where it does not say. */
  readonly chunks: number;
  /**
   * Mean squares of what is multiplied with each column, by the name of the
   * tensor, `[columns]` or of a tensor of experts `[experts, columns]`.
   */
  readonly entries: ReadonlyMap<string, Float32Array>;
}

/** Options for {@linkcode readImportanceMatrix}. */
export interface ReadImportanceOptions {
  /** Where what is on a server is kept, and how far its download is. */
  download?: DownloadOptions | undefined;
  /** Stops the reading. */
  signal?: AbortSignal | undefined;
}

const MAX_BYTES = 2 ** 30;

/**
 * Reads an importance matrix that llama.cpp's `llama-imatrix` wrote: a GGUF
 * file, or one of the format before that (`.dat`).
 *
 * @param input The file.
 * @param options Interruption.
 * @returns The importance matrix.
 * @throws {SyntaxError} If it is neither, or an entry comes twice.
 * @throws {RangeError} If it is truncated, or has numbers that cannot be.
 */
export async function readImportanceMatrix(
  input: ModelInput,
  { download, signal }: ReadImportanceOptions = {},
): Promise<ImportanceMatrix> {
  signal?.throwIfAborted();
  await using source = await openInput(input, { ...download, signal });
  await source.prepare?.();
  const { label, size } = source;
  if (size > MAX_BYTES) {
    throw new RangeError(
      `Cannot read importance matrix "${label}": it has ${size} bytes, ` +
        `at most ${MAX_BYTES} are wanted`,
    );
  }
  const magic = new Uint8Array(Math.min(4, size));
  await source.readInto(magic, 0);
  signal?.throwIfAborted();
  const isGguf = String.fromCharCode(...magic) === "GGUF";
  const matrix = isGguf
    ? await readImportanceGguf(await readGguf(source), source)
    : await readImportanceDat(source);
  signal?.throwIfAborted();
  checkEntries(matrix);
  return matrix;
}

function checkEntries({ label, entries }: ImportanceMatrix): void {
  if (entries.size === 0) {
    throw new RangeError(
      `Cannot read importance matrix "${label}": it has no entries`,
    );
  }
  for (const [name, values] of entries) {
    const bad = values.findIndex((value) => !(value >= 0 && value < Infinity));
    if (bad < 0) continue;
    throw new RangeError(
      `Cannot read importance matrix "${label}": entry ${quote(name)} has ` +
        `${values[bad]} for column ${bad}, a finite number from 0 on is wanted`,
    );
  }
}

/** A matrix of weights that importance is asked for. */
export interface WeighedTensor {
  /** Its name. */
  readonly name: string;
  /** Its dimensions in ggml's order. */
  readonly shape: readonly number[];
}

/**
 * The importance of a tensor's columns.
 *
 * @param matrix The importance matrix.
 * @param tensor The tensor.
 * @returns Importance of the columns, `[columns]` or `[experts, columns]`;
 * `undefined` for embeddings and logits, which are not measured as a rule.
 * @throws {RangeError} If an entry is missing, or has another length.
 */
export function importanceOf(
  { label, entries }: ImportanceMatrix,
  { name, shape }: WeighedTensor,
): Float32Array | undefined {
  const values = entries.get(name);
  const wanted = shape[0]! * (shape[2] ?? 1);
  if (values?.length === wanted) return values;
  // Embeddings are looked up, not multiplied with, whatever an entry says.
  if (name === "token_embd.weight") return undefined;
  if (values === undefined) {
    if (name === "output.weight") return undefined;
    throw new RangeError(
      `Cannot use importance matrix "${label}": it has no entry ` +
        `${quote(name)}, is it of another model?`,
    );
  }
  throw new RangeError(
    `Cannot use importance matrix "${label}": entry ${quote(name)} has ` +
      `${values.length} values, ${wanted} are wanted for the shape ` +
      `[${shape.join(", ")}]`,
  );
}
