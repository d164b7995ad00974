import type { SourceOptions } from "./context.ts";
import { fetchFiles } from "./fetch_files.ts";
import { findFiles } from "./find_files.ts";
import type { DownloadModelOptions } from "./options.ts";
import { withoutSecrets } from "./web_file.ts";

/** A model that was downloaded. */
export interface DownloadedModel {
  /** What it was asked for as, with the file that was chosen. */
  label: string;
  /** Its file, or the first part of a split one. */
  path: string;
  /** All of its files. */
  paths: string[];
}

/**
 * Downloads a model to the cache, unless it is there; `loadModel()` does so by
 * itself. A download that was interrupted goes on where it stopped.
 *
 * ```ts
 * import { downloadModel, loadModel } from "@seraph/seraph";
 *
 * const server = Deno.serve({ port: 0, onListen() {} }, async () => {
 *   return new Response(await Deno.readFile("models/stories260k-f32.gguf"));
 * });
 * // "hf:owner/repo:Q4_K_M" will do as well.
 * const source = `http://localhost:${server.addr.port}/stories.gguf`;
 * const cacheDir = await Deno.makeTempDir(); // or none: the user's own
 * {
 *   const { path } = await downloadModel(source, {
 *     cacheDir,
 *     onProgress: ({ loadedBytes, totalBytes, secondsLeft }) => {
 *       const left = secondsLeft?.toFixed(0) ?? "?";
 *       console.log(`${loadedBytes} of ${totalBytes}, ${left} s left`);
 *     },
 *   });
 *   await using model = await loadModel(path);
 *   console.log(model.name);
 * }
 * await server.shutdown();
 * await Deno.remove(cacheDir, { recursive: true });
 * ```
 *
 * @param source An `http(s):` URL, or `hf:owner/repo[/file][:quant][@revision]`.
 * @param options Folder, progress and interruption.
 * @returns Where it is.
 * @throws {TypeError} If the source is none of these.
 * @throws {Error} If there is no such model, or it cannot be had.
 * @throws The signal's reason, once it is aborted.
 */
export async function downloadModel(
  source: string | URL,
  options: DownloadModelOptions = {},
): Promise<DownloadedModel> {
  options.signal?.throwIfAborted();
  const model = await findFiles(source, options as SourceOptions);
  if (model === undefined) {
    throw new TypeError(
      `Cannot download "${withoutSecrets(source)}": ` +
        "it is no http(s) URL, nor hf:owner/repo[/file], one is wanted",
    );
  }
  const places = await fetchFiles(model.files, model.context);
  const paths = places.map(({ path }) => path);
  return { label: model.label, path: paths[0]!, paths };
}
