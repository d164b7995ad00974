import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ByteSource, openFile } from "../gguf/source.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** A larger file is no text that anybody wants to read at once. */
const MAX_TEXT_BYTES = 256e6;

/**
 * Opens a checkpoint that lies on this machine.
 *
 * @param source Path or `file:` URL of the folder.
 * @returns The checkpoint.
 * @throws {Error} If there is no such folder, or it may not be read.
 */
export async function openFolder(source: string | URL): Promise<Checkpoint> {
  const label = String(source);
  const isUrl = source instanceof URL || /^file:/i.test(source);
  try {
    const folder = isUrl ? fileURLToPath(source) : source;
    const files = await listFolder(folder);
    const open = async (name: string): Promise<ByteSource> => {
      if (files.has(name)) return await openFile(join(folder, name));
      throw new Error(`Cannot open "${label}": it has no file "${name}"`);
    };
    return {
      label,
      files,
      open,
      readText: (name) => readText(name, { files, open }),
      prepare: () => Promise.resolve(),
    };
  } catch (cause) {
    throw new Error(`Cannot open "${label}": ${reason(cause)}`, { cause });
  }
}

/**
 * Reads a text file of a checkpoint.
 *
 * @param name Its name.
 * @param checkpoint What it is read from.
 * @returns The text, `undefined` where there is no such file.
 * @throws {RangeError} If it is too large to be one.
 */
export async function readText(
  name: string,
  { files, open }: Pick<Checkpoint, "files" | "open">,
): Promise<string | undefined> {
  const size = files.get(name);
  if (size === undefined) return undefined;
  await using source = await open(name);
  if (source.size > MAX_TEXT_BYTES) {
    throw new RangeError(
      `Cannot read "${source.label}": it has ${source.size} bytes, ` +
        `at most ${MAX_TEXT_BYTES} are wanted of a text`,
    );
  }
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return new TextDecoder().decode(bytes);
}

async function listFolder(folder: string): Promise<Map<string, number>> {
  const { isDirectory } = await Deno.stat(folder);
  if (!isDirectory) throw new Error("it is a file, a folder is wanted");
  const files: [string, number][] = [];
  for await (const { name } of Deno.readDir(folder)) {
    // Links count as what they point to: the hub's own cache is made of them.
    const info = await Deno.stat(join(folder, name)).catch(() => undefined);
    if (info?.isFile) files.push([name, info.size]);
  }
  return new Map(files.sort(([a], [b]) => a < b ? -1 : 1));
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "no such folder";
  if (cause instanceof Deno.errors.NotCapable) {
    return "no permission to read it, run Deno with --allow-read";
  }
  return cause instanceof Error ? cause.message : String(cause);
}
