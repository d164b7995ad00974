import type { ByteSource } from "../gguf/source.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readText } from "./checkpoint_folder.ts";
import { contextOf, type SourceOptions } from "./context.ts";
import { downloadError } from "./errors.ts";
import { fetchFiles } from "./fetch_files.ts";
import { hubFile, listHub } from "./hub.ts";
import { formatHubName, type HubName, hubOf } from "./hub_name.ts";
import { openWeb } from "./open_web.ts";

/**
 * Opens a checkpoint that lies on the hub.
 *
 * @param name The repository, and a folder in it.
 * @param options How to download it.
 * @returns The checkpoint.
 * @throws {TypeError} If the name says a quantization, or `sha256` is given.
 * @throws {Error} If there is no such repository or folder.
 */
export async function openHubFolder(
  name: HubName,
  options: SourceOptions,
): Promise<Checkpoint> {
  const label = formatHubName(name);
  if (name.quant !== undefined || options.sha256 !== undefined) {
    throw new TypeError(
      `Cannot open "${label}": a quantization or SHA-256 is of one file, ` +
        "a folder of many is wanted",
    );
  }
  // Each download has a progress of its own.
  const newContext = () => contextOf(label, options);
  const prefix = name.path === undefined ? "" : `${name.path}/`;
  const listed = new Map(
    (await listHub(name, newContext()))
      .filter(({ path }) => path.startsWith(prefix))
      .map((file) => [file.path.slice(prefix.length), file] as const)
      .filter(([path]) => !path.includes("/")),
  );
  if (listed.size === 0) {
    throw downloadError(label, "it has no such folder with files");
  }
  const files = new Map(
    listed.entries().map(([path, { size }]) => [path, size] as const),
  );
  const find = (path: string) => {
    const file = listed.get(path);
    if (file !== undefined) return hubFile(name, file, hubOf(options.hub));
    throw new Error(`Cannot open "${label}": it has no file "${path}"`);
  };
  const open = async (path: string): Promise<ByteSource> =>
    await openWeb(find(path), newContext());
  return {
    label,
    files,
    open,
    readText: (path) => readText(path, { files, open }),
    async prepare(paths) {
      await fetchFiles(paths.map(find), newContext());
    },
  };
}
