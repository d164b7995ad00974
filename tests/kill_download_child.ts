/**
 * Downloads a file into a folder: what `kill_download.ts` kills.
 *
 *     deno run -A tests/kill_download_child.ts URL FOLDER
 *
 * @module
 */

import type { SourceOptions } from "../src/sources/context.ts";
import { downloadModel } from "../src/sources/download_model.ts";

const [url, cacheDir] = Deno.args;
const options: SourceOptions = {
  cacheDir,
  // Small, so that there is much to interrupt.
  manners: { pieceBytes: 300_000, saveMs: 10 },
};
await downloadModel(url!, options);
