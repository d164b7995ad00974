import { locatePart } from "./part_name.ts";
import { type ByteSource, filePath } from "./source.ts";

/** What {@linkcode checkOutput} compares a name with. */
export interface CheckOutputOptions {
  /** What is read. */
  source: ByteSource;
  /** Path or `file:` URL of what is read. */
  input: string | URL;
  /** Whether other files may be replaced. */
  overwrite: boolean;
}

/**
 * Checks that a file of a name would replace none, or at least none of those that
 * are read for it.
 *
 * @param path The name.
 * @param options What it must not be.
 * @throws {Error} If it would.
 */
export async function checkOutput(
  path: string | URL,
  { source: { label, parts }, input, overwrite }: CheckOutputOptions,
): Promise<void> {
  if (await Deno.lstat(path).catch(() => undefined) === undefined) return;
  const refuse = (why: string) =>
    new Error(`Cannot write "${path}": ${why}, another name is wanted`);
  if (!overwrite) throw refuse("there is something of that name");
  const real = await Deno.realPath(path).catch(() => undefined);
  const location = filePath(input, label);
  const read = parts === undefined
    ? [location]
    : parts.map((_, i) => locatePart(location, i + 1));
  for (const one of read) {
    if (real === await Deno.realPath(one)) throw refuse("it is what is read");
  }
}
