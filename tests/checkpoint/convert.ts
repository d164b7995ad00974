import { join } from "node:path";
import { convertCheckpoint } from "../../mod.ts";
import { type GgufFile, readGguf } from "../../src/gguf/reader.ts";
import { openSource } from "../../src/gguf/source.ts";
import { projectFile } from "../engine.ts";
import { inTempFolder } from "../temp_folder.ts";
import { type MadeCheckpointOptions, makeCheckpoint } from "./make.ts";

/** What checkpoints are made of where nothing else is said. */
export const STORIES: URL = projectFile("models/stories260k-f32.gguf");

/** A random model of two layers with shared key heads. */
export const SMALL = {
  dim: 64,
  hiddenDim: 96,
  layers: 2,
  heads: 8,
  kvHeads: 2,
  vocabulary: 512,
  tied: false,
};

/**
 * Runs a test in a new folder with an empty one in it, `in`, for a checkpoint.
 *
 * @param test Is given the outer folder's path.
 * @returns What the test returns.
 */
export function inFolder<T>(
  test: (folder: string) => Promise<T>,
): Promise<T> {
  return inTempFolder(async (folder) => {
    await Deno.mkdir(join(folder, "in"));
    return await test(folder);
  });
}

/**
 * Makes a checkpoint, converts it, and looks at the file.
 *
 * @param made What the checkpoint is made of.
 * @param type What the file is to be packed in.
 * @param use Is given the file's path and header.
 * @returns What `use` returns.
 */
export async function convert<T>(
  made: Partial<MadeCheckpointOptions>,
  type: string,
  use: (path: string, file: GgufFile) => Promise<T> | T,
): Promise<T> {
  return await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, { gguf: STORIES, ...made });
    const path = join(folder, "out.gguf");
    await convertCheckpoint(input, path, { type, workers: 0 });
    await using source = await openSource(path);
    return await use(path, await readGguf(source));
  });
}
