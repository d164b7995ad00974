import { type ByteSource, openSource } from "../gguf/source.ts";
import type { ModelInput } from "./input.ts";
import type { DownloadModelOptions } from "./options.ts";

/**
 * Opens a model, wherever it is. Its header can be read at once; before reading
 * more, call `prepare()` where there is one.
 *
 * @param input The model.
 * @param options How to download it.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such model, or it may not be read.
 */
export async function openInput(
  input: ModelInput,
  _options: DownloadModelOptions = {},
): Promise<ByteSource> {
  return await openSource(input as string);
}
