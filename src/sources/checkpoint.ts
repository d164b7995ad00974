import type { ByteSource } from "../gguf/source.ts";
import { openFolder } from "./checkpoint_folder.ts";
import type { SourceOptions } from "./context.ts";
import { parseHubName } from "./hub_name.ts";
import type { DownloadModelOptions } from "./options.ts";

/** A folder of files with weights, configuration and tokenizer. */
export interface Checkpoint {
  /** What errors call it: its path, or `hf:owner/repo`. */
  readonly label: string;
  /** Bytes of each file by its name; folders within do not count. */
  readonly files: ReadonlyMap<string, number>;
  /**
   * Opens a file, to be closed by the caller. Of one that lies elsewhere, ranges
   * are read from there, as for the header of a shard, until it is prepared.
   *
   * @throws {Error} If it has no such file.
   */
  open(name: string): Promise<ByteSource>;
  /**
   * Reads a text file of at most 256 MB, which may be a whole vocabulary.
   *
   * @returns The text, `undefined` where it has no such file.
   */
  readText(name: string): Promise<string | undefined>;
  /**
   * Brings files to where they can be read fast, with one progress for all. Call
   * it before the weights are read; a folder on this machine is there already.
   *
   * @throws {Error} If they cannot be had.
   */
  prepare(names: readonly string[]): Promise<void>;
}

/**
 * Opens a checkpoint; no weights are downloaded by that.
 *
 * @param source The path of a folder, its `file:` URL, or
 * `hf:owner/repo[/folder][@revision]`.
 * @param options How to download it.
 * @returns The checkpoint.
 * @throws {Error} If there is no such folder or repository, or it may not be
 * read.
 */
export async function openCheckpoint(
  source: string | URL,
  options: DownloadModelOptions = {},
): Promise<Checkpoint> {
  options.signal?.throwIfAborted();
  const { hub } = options as SourceOptions;
  const name = parseHubName(String(source), hub);
  if (name === undefined) return await openFolder(source);
  const { openHubFolder } = await import("./checkpoint_hub.ts");
  return await openHubFolder(name, options);
}

/** Which files hold the weights of a checkpoint. */
export interface WeightFiles {
  /** What they are. */
  format: "safetensors" | "pytorch";
  /** Their names, in the order of the index. */
  names: string[];
  /** The file of each tensor by name; `undefined` where there is no index. */
  index: ReadonlyMap<string, string> | undefined;
}

/** Where weights are looked for, the first that is there being taken. */
const LAYOUTS = [
  ["safetensors", "model.safetensors.index.json", "model.safetensors"],
  ["pytorch", "pytorch_model.bin.index.json", "pytorch_model.bin"],
] as const;

/**
 * Finds the weights of a checkpoint: the shards of its index, or its one file,
 * as safetensors before PyTorch.
 *
 * @param checkpoint The checkpoint.
 * @returns The files.
 * @throws {SyntaxError} If the index is broken.
 * @throws {Error} If a shard is missing, or there are no weights.
 */
export async function findWeights(
  checkpoint: Checkpoint,
): Promise<WeightFiles> {
  const { label, files } = checkpoint;
  for (const [format, indexName, single] of LAYOUTS) {
    const text = await checkpoint.readText(indexName);
    if (text !== undefined) {
      const index = readIndex(text, `${label}/${indexName}`);
      const names = [...new Set(index.values())];
      const missing = names.filter((name) => !files.has(name));
      if (missing.length === 0) return { format, names, index };
      throw new Error(
        `Cannot open "${label}": ${indexName} names ${names.length} files, ` +
          `and ${missing.length} of them are missing: ${missing.join(", ")}`,
      );
    }
    if (files.has(single)) {
      return { format, names: [single], index: undefined };
    }
  }
  const found = [...files.keys()].join(", ") || "nothing";
  throw new Error(
    `Cannot open "${label}": it has no weights but ${found}, ` +
      "model.safetensors or pytorch_model.bin or their index is wanted",
  );
}

function readIndex(text: string, label: string): Map<string, string> {
  const fail = (problem: string): never => {
    throw new SyntaxError(`Cannot read "${label}": ${problem}`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    fail((error as Error).message);
  }
  const map = isRecord(parsed) ? parsed.weight_map : undefined;
  if (!isRecord(map)) {
    return fail("its weight_map is no object, names of files are wanted");
  }
  return new Map(
    Object.entries(map).map(([tensor, file]) => {
      // A name is looked up among the files of the folder: no path leads out.
      if (typeof file === "string" && file !== "") return [tensor, file];
      return fail(`the file of "${tensor}" is ${JSON.stringify(file)}`);
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
