import { locatePart, partOf } from "../gguf/part_name.ts";
import {
  contextOf,
  type SourceContext,
  type SourceOptions,
} from "./context.ts";
import { downloadError } from "./errors.ts";
import { hubFile, listHub } from "./hub.ts";
import { formatHubName, type HubName, parseHubName } from "./hub_name.ts";
import { pickFile } from "./hub_pick.ts";
import { type WebFile, webFile, withoutSecrets } from "./web_file.ts";

/** A model that lies on a server. */
export interface WebModel {
  /** What errors call it. */
  label: string;
  /** Its file, or the parts of a split one in order. */
  files: WebFile[];
  /** What its opening goes by. */
  context: SourceContext;
}

/**
 * Finds the files of a model on a server.
 *
 * @param input What was given as a model.
 * @param options How to download it.
 * @returns The model; `undefined` where it is the path or URL of a local file.
 * @throws {Error} If the hub has no such model.
 * @throws {TypeError} If it is no valid name or URL, or `sha256` is given of
 * several files.
 */
export async function findFiles(
  input: string | URL,
  options: SourceOptions,
): Promise<WebModel | undefined> {
  const hub = parseHubName(String(input), options.hub);
  const model = hub !== undefined
    ? await filesOfHub(hub, options)
    : /^https?:/i.test(String(input))
    ? filesOfUrl(input, options)
    : undefined;
  if (model === undefined || model.files.length === 1) return model;
  if (model.context.sha256 === undefined) return model;
  throw new TypeError(
    `Cannot open "${model.label}": sha256 is given, ` +
      `and it has ${model.files.length} files`,
  );
}

async function filesOfHub(
  name: HubName,
  options: SourceOptions,
): Promise<WebModel> {
  const context = contextOf(formatHubName(name), options);
  const files = await listHub(name, context);
  const first = pickFile(name, files.map((file) => file.path));
  const label = formatHubName({ ...name, path: first, quant: undefined });
  const found = partPaths(first).map((path) => {
    const file = files.find((one) => one.path === path);
    if (file !== undefined) return hubFile(name, file, context.hub);
    throw downloadError(label, `its repository has no "${path}"`);
  });
  return { label, files: found, context };
}

function filesOfUrl(input: string | URL, options: SourceOptions): WebModel {
  const url = URL.parse(input);
  if (url === null) {
    throw new TypeError(
      `Cannot open model "${withoutSecrets(input)}": it is no valid URL`,
    );
  }
  const { label } = webFile(url).target;
  const files = partPaths(url).map(webFile);
  return { label, files, context: contextOf(label, options) };
}

/** All parts of a split file, or the one file that it is. */
function partPaths<T extends string | URL>(path: T): T[] {
  const part = partOf(path);
  if (part === undefined) return [path];
  return Array.from(
    { length: part.count },
    (_, i) => locatePart(path, i + 1),
  );
}
