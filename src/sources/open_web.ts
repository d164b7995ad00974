import { type ByteSource, openFile } from "../gguf/source.ts";
import type { CachePlace } from "./cache_place.ts";
import { touch } from "./cache_record.ts";
import type { SourceContext } from "./context.ts";
import { fetchFile } from "./fetch_files.ts";
import { locate } from "./locate.ts";
import { relabel } from "./relabel.ts";
import { Remote } from "./remote.ts";
import { RemoteSource } from "./remote_source.ts";
import type { WebFile } from "./web_file.ts";

/**
 * Opens a file of a server: the one in the cache where it is of the version that
 * the server has, or else the one there, which is downloaded when it is prepared.
 *
 * @param file The file.
 * @param context What the opening goes by.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such file, or it cannot be had.
 */
export async function openWeb(
  file: WebFile,
  context: SourceContext,
): Promise<ByteSource> {
  const { label } = file.target;
  const found = await locate(file, context);
  if (!(found instanceof Remote)) return await openCached(found, label);
  const { manners, meter, signal } = context;
  const fetchAll = async () =>
    await openCached(await fetchFile(found, file, context), label);
  const { size } = found.facts;
  meter.expect(size);
  // Without a size nothing is known of where a tensor may be.
  if (size === undefined) return await fetchAll();
  return new RemoteSource(found, { manners, fetchAll, signal });
}

async function openCached(
  place: CachePlace,
  label: string,
): Promise<ByteSource> {
  await touch(place);
  return relabel(await openFile(place.path), label);
}
