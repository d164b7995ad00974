import { type ByteSource, openSource } from "../gguf/source.ts";
import { contextOf, type SourceOptions } from "./context.ts";
import type { ModelInput } from "./input.ts";
import { openWeb } from "./open_web.ts";
import { webFile } from "./web_file.ts";

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
  options: SourceOptions = {},
): Promise<ByteSource> {
  const isText = typeof input === "string" || input instanceof URL;
  if (isText && /^https?:/i.test(String(input))) {
    const url = URL.parse(input);
    if (url === null) {
      throw new TypeError(
        `Cannot open model "${input}": it is not a valid URL`,
      );
    }
    const file = webFile(url);
    return await openWeb(file, contextOf(file.target.label, options));
  }
  return await openSource(input as string);
}
