import { openParts } from "../gguf/joined_source.ts";
import { type ByteSource, openSource } from "../gguf/source.ts";
import type { SourceOptions } from "./context.ts";
import { findFiles, type WebModel } from "./find_files.ts";
import type { ModelInput } from "./input.ts";
import { hintFor } from "./missing.ts";
import { openWeb } from "./open_web.ts";
import { withoutSecrets } from "./web_file.ts";

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
  if (input instanceof ReadableStream) {
    const { openStream } = await import("./stream.ts");
    return await openStream(input, options);
  }
  if (typeof input === "string" || input instanceof URL) {
    const model = await findFiles(input, options);
    if (model !== undefined) return await openModel(model);
    checkScheme(input);
    return await openPath(input);
  }
  return await openSource(input);
}

/** Refuses URLs that nothing here opens. */
function checkScheme(input: string | URL): void {
  // One letter before the colon is a Windows drive.
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(String(input)) ?? [];
  if (scheme === undefined || /^file$/i.test(scheme)) return;
  throw new TypeError(
    `Cannot open model "${
      withoutSecrets(input)
    }": its scheme is "${scheme}:", ` +
      "file:, http:, https: or hf: is wanted",
  );
}

/** Opens a file of this machine; a path that leads to none gets a hint. */
async function openPath(input: string | URL): Promise<ByteSource> {
  try {
    return await openSource(input);
  } catch (error) {
    const { cause, message } = error as Error;
    if (!message.endsWith("no such file") && !message.includes("a directory")) {
      throw error;
    }
    const hint = await hintFor(input);
    throw hint === "" ? error : new Error(message + hint, { cause });
  }
}

/** Opens the files of a server as one. */
async function openModel(
  { label, files, context }: WebModel,
): Promise<ByteSource> {
  if (files.length === 1) return await openWeb(files[0]!, context);
  return await openParts({
    label,
    count: files.length,
    open: (part) => openWeb(files[part - 1]!, context),
    nameOf: (part) => files[part - 1]!.target.label,
  });
}
