import { openParts } from "../gguf/joined_source.ts";
import { locatePart, partOf } from "../gguf/part_name.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { SourceContext } from "./context.ts";
import { downloadError } from "./errors.ts";
import { hubFile, listHub } from "./hub.ts";
import { formatHubName, type HubName } from "./hub_name.ts";
import { pickFile } from "./hub_pick.ts";
import { openWeb } from "./open_web.ts";

/**
 * Opens the model that a hub's name means, all parts of a split one.
 *
 * @param name The name.
 * @param context What the opening goes by.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such file, or it cannot be had.
 */
export async function openHub(
  name: HubName,
  context: SourceContext,
): Promise<ByteSource> {
  const files = await listHub(name, context);
  const path = pickFile(name, files.map((file) => file.path));
  const label = formatHubName({ ...name, path, quant: undefined });
  const open = async (path: string) => {
    const file = files.find((one) => one.path === path);
    if (file !== undefined) return await openWeb(hubFile(name, file), context);
    throw downloadError(label, `its repository has no "${path}"`);
  };
  const part = partOf(path);
  if (part === undefined || part.count === 1) return await open(path);
  refuseHash(label, context);
  const nameOf = (part: number) => locatePart(path, part);
  return await openParts({
    label,
    count: part.count,
    open: (part) => open(nameOf(part)),
    nameOf,
  });
}

/**
 * Refuses one hash for many files.
 *
 * @param label What is opened, as errors call it.
 * @param context What the opening goes by.
 * @throws {TypeError} If there is a hash.
 */
export function refuseHash(label: string, { sha256 }: SourceContext): void {
  if (sha256 === undefined) return;
  throw new TypeError(
    `Cannot open "${label}": sha256 is given, and it is of several files`,
  );
}
