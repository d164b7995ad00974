import { quote } from "../gguf/quote.ts";
import type { ByteSource } from "../gguf/source.ts";
import {
  type Checkpoint,
  findWeights,
  type WeightFiles,
} from "../sources/checkpoint.ts";
import { readPytorch } from "./pytorch.ts";
import { readSafetensors } from "./safetensors.ts";
import type { CheckpointTensor } from "./tensor_file.ts";

/** The weights of a checkpoint, open to be read. */
export interface CheckpointWeights extends AsyncDisposable {
  /** What the files are. */
  readonly format: WeightFiles["format"];
  /** The files' names. */
  readonly files: readonly string[];
  /** The tensors by name, in the order of the files. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /**
   * Brings the files to where they can be read fast, before weights are read.
   *
   * @throws {Error} If they cannot be had.
   */
  prepare(): Promise<void>;
}

const READERS = { safetensors: readSafetensors, pytorch: readPytorch };

/**
 * Opens all files of a checkpoint's weights and reads what they hold. Where there
 * is an index, every tensor must be in the file that it names.
 *
 * @param checkpoint The checkpoint.
 * @param options Interruption.
 * @returns The weights, to be disposed of by the caller.
 * @throws {Error} If a file or a tensor is missing, or the files and the index
 * disagree: each by name.
 * @throws {SyntaxError | RangeError | TypeError} If a file is broken.
 */
export async function openWeights(
  checkpoint: Checkpoint,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<CheckpointWeights> {
  const { format, names, index } = await findWeights(checkpoint);
  // Its directory is at its end, and has a place of its own for each tensor.
  if (format === "pytorch") await checkpoint.prepare(names);
  await using opened = new AsyncDisposableStack();
  const sources: ByteSource[] = [];
  const tensors = new Map<string, CheckpointTensor>();
  const homes = new Map<string, string>();
  for (const file of names) {
    signal?.throwIfAborted();
    const source: ByteSource = opened.use(await checkpoint.open(file));
    sources.push(source);
    for (const tensor of await READERS[format](source)) {
      const other = homes.get(tensor.name);
      if (other !== undefined) {
        throw new Error(
          `Cannot read "${checkpoint.label}": tensor ${quote(tensor.name)} ` +
            `is in ${other} and in ${file}`,
        );
      }
      homes.set(tensor.name, file);
      tensors.set(tensor.name, tensor);
    }
  }
  if (index !== undefined) checkIndex(checkpoint.label, index, homes);
  const kept = opened.move();
  return {
    format,
    files: names,
    tensors,
    async prepare() {
      await checkpoint.prepare(names);
      for (const source of sources) await source.prepare?.();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function checkIndex(
  label: string,
  index: ReadonlyMap<string, string>,
  homes: ReadonlyMap<string, string>,
): void {
  const fail = (problem: string) => {
    throw new Error(`Cannot read "${label}": ${problem}`);
  };
  for (const [name, file] of index) {
    const home = homes.get(name);
    if (home === file) continue;
    fail(
      `by the index, tensor ${quote(name)} is in ${file}, ` +
        (home === undefined ? "but no file has it" : `but it is in ${home}`),
    );
  }
  for (const [name, file] of homes) {
    if (index.has(name)) continue;
    fail(`tensor ${quote(name)} of ${file} is not in the index`);
  }
}
