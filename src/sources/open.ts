import { openParts } from "../gguf/joined_source.ts";
import { locatePart, partOf } from "../gguf/part_name.ts";
import { type ByteSource, openSource } from "../gguf/source.ts";
import { contextOf, type SourceOptions } from "./context.ts";
import { formatHubName, parseHubName } from "./hub_name.ts";
import type { ModelInput } from "./input.ts";
import { hintFor } from "./missing.ts";
import { openHub, refuseHash } from "./open_hub.ts";
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
  if (input instanceof ReadableStream) {
    const { openStream } = await import("./stream.ts");
    return await openStream(input, options);
  }
  if (typeof input === "string" || input instanceof URL) {
    const hub = parseHubName(String(input));
    if (hub !== undefined) {
      return await openHub(hub, contextOf(formatHubName(hub), options));
    }
    if (/^https?:/i.test(String(input))) return await openUrl(input, options);
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
    `Cannot open model "${input}": its scheme is "${scheme}:", ` +
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

/** Opens the file of a URL, all parts of a split one. */
async function openUrl(
  input: string | URL,
  options: SourceOptions,
): Promise<ByteSource> {
  const url = URL.parse(input);
  if (url === null) {
    throw new TypeError(`Cannot open model "${input}": it is no valid URL`);
  }
  const file = webFile(url);
  const { label } = file.target;
  const context = contextOf(label, options);
  const part = partOf(url);
  if (part === undefined || part.count === 1) {
    return await openWeb(file, context);
  }
  refuseHash(label, context);
  const open = (part: number) => webFile(locatePart(url, part));
  return await openParts({
    label,
    count: part.count,
    open: (part) => openWeb(open(part), context),
    nameOf: (part) => open(part).target.label,
  });
}
