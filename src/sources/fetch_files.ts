import { type CachePlace, placeOf, whyNoFolder } from "./cache_place.ts";
import type { SourceContext } from "./context.ts";
import { download } from "./download.ts";
import { downloadError } from "./errors.ts";
import { locate } from "./locate.ts";
import { Remote } from "./remote.ts";
import type { WebFile } from "./web_file.ts";

/**
 * Brings files into the cache, one behind the other, with one progress for all.
 *
 * @param files The files.
 * @param context What the opening goes by.
 * @returns Their places.
 * @throws {Error} If one of them cannot be had.
 */
export async function fetchFiles(
  files: readonly WebFile[],
  context: SourceContext,
): Promise<CachePlace[]> {
  const found: (CachePlace | Remote)[] = [];
  for (const file of files) {
    const one = await locate(file, context);
    if (one instanceof Remote) context.meter.expect(one.facts.size);
    found.push(one);
  }
  const places: CachePlace[] = [];
  for (const [i, one] of found.entries()) {
    places.push(
      one instanceof Remote ? await fetchFile(one, files[i]!, context) : one,
    );
  }
  return places;
}

/**
 * Brings a file into the cache.
 *
 * @param remote What the server says of it.
 * @param file The file.
 * @param context What the opening goes by.
 * @returns Its place.
 * @throws {Error} If it cannot be had.
 */
export async function fetchFile(
  remote: Remote,
  { target: { label }, name }: WebFile,
  { models, manners, meter, signal }: SourceContext,
): Promise<CachePlace> {
  if (models === undefined) {
    throw downloadError(label, whyNoFolder());
  }
  const place = placeOf(models, name);
  await download(remote, place, { manners, meter, signal });
  meter.finish(remote.facts.size ?? 0);
  return place;
}
