import type { SourceOptions } from "../src/sources/context.ts";
import { openInput } from "../src/sources/open.ts";
import { MANNERS } from "./hostile_cases.ts";

/** Opens a file of a server, and reads all of it. */
export async function readAll(
  input: URL,
  options: SourceOptions,
): Promise<Uint8Array> {
  await using source = await openInput(input, { manners: MANNERS, ...options });
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return bytes;
}

/** All files of a folder and those in it: by name their bytes. */
export async function filesOf(
  folder: string,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (!isDirectory) files.set(name, await Deno.readFile(path));
    else for (const file of await filesOf(path)) files.set(...file);
  }
  return files;
}
