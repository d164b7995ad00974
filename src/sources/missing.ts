import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suggest } from "../system/suggest.ts";

/** More names than this are only counted. */
const MAX_LISTED = 10;

/**
 * Helps with a path that leads to no file.
 *
 * @param input What was given as a model: a path or `file:` URL.
 * @returns What to add to the error; nothing where there is nothing to say.
 */
export async function hintFor(input: string | URL): Promise<string> {
  const text = String(input);
  const path = /^file:/i.test(text) ? fileURLToPath(input) : text;
  try {
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isDirectory) return await describeFolder(path);
    const folder = dirname(path);
    const names = await filesIn(folder).catch(() => []);
    const [near] = suggest(basename(path), names);
    // "./m.gguf" and "m.gguf" keep the form that they were written in.
    const shown = near === undefined || !text.endsWith(basename(path))
      ? near
      : text.slice(0, -basename(path).length) + near;
    if (shown !== undefined) return `; did you mean "${shown}"?`;
    if (/^[\w.-]+\/[\w.-]+$/.test(text)) {
      return `; did you mean "hf:${text}" on the hub?`;
    }
  } catch {
    // What may not be looked at is of no help.
  }
  return "";
}

async function describeFolder(path: string): Promise<string> {
  const names = await filesIn(path);
  const models = names.filter((name) => /\.gguf$/i.test(name)).sort();
  if (models.length > 0) {
    const more = models.length - MAX_LISTED;
    const shown = models.slice(0, MAX_LISTED)
      .map((name) => join(path, name)).join(", ");
    return `; it has ${shown}${more > 0 ? ` and ${more} more` : ""}`;
  }
  const isCheckpoint = names.some((name) => /\.(safetensors|bin)$/.test(name));
  return isCheckpoint ? "; it is a checkpoint for seraph convert" : "";
}

async function filesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) names.push(name);
  }
  return names;
}
