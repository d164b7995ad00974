import { parsePartName } from "../gguf/part_name.ts";
import { suggest } from "../system/suggest.ts";
import { downloadError } from "./errors.ts";
import { formatHubName, type HubName } from "./hub_name.ts";

/**
 * What is taken of a repository with several files if nobody says which: the
 * first of these that it has.
 */
export const DEFAULT_QUANTS: readonly string[] = [
  "Q4_K_M",
  "Q4_K_S",
  "IQ4_XS",
  "IQ4_NL",
  "Q4_0",
  "Q4_1",
  "Q5_K_M",
  "Q5_K_S",
  "Q6_K",
  "Q8_0",
  "Q3_K_M",
  "BF16",
  "F16",
];

/** More names than this are only counted in an error. */
const MAX_LISTED = 30;

/**
 * Chooses the GGUF file that a hub's name means.
 *
 * @param name The name.
 * @param paths The files of the repository.
 * @returns The path of the file; of a split one that of its first part.
 * @throws {Error} If there is none, or more than one; it lists what there is.
 */
export function pickFile(name: HubName, paths: readonly string[]): string {
  const { path, quant } = name;
  const fail = (problem: string) => downloadError(formatHubName(name), problem);
  if (path !== undefined && quant === undefined && paths.includes(path)) {
    return path;
  }
  const all = models(paths);
  if (all.length === 0) {
    if (paths.length === 0) throw fail("it has no files");
    throw fail(
      paths.some((one) => /\.(safetensors|bin)$/.test(one))
        ? "it has no GGUF file, it is a checkpoint for seraph convert"
        : `it has no GGUF file, only ${list(paths)}`,
    );
  }
  const inside = path === undefined
    ? all
    : all.filter((one) => one === path || one.startsWith(`${path}/`));
  if (inside.length === 0) {
    const [near] = suggest(path!, paths);
    const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
    throw fail(`it has no file "${path}"${hint}, only ${list(all)}`);
  }
  if (quant !== undefined) {
    const found = inside.filter((one) => hasQuant(one, quant));
    if (found.length === 1) return found[0]!;
    throw fail(
      found.length === 0
        ? `it has no file of ${quant}, only ${list(inside)}`
        : `it has ${found.length} files of ${quant}, name one: ${list(found)}`,
    );
  }
  if (inside.length === 1) return inside[0]!;
  for (const wanted of DEFAULT_QUANTS) {
    const found = inside.filter((one) => hasQuant(one, wanted));
    if (found.length === 1) return found[0]!;
    if (found.length > 1) break;
  }
  throw fail(`it has ${inside.length} files, name one: ${list(inside)}`);
}

/** The models among files: split ones once, and not what goes with a model. */
function models(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return /\.gguf$/i.test(name) && !/mmproj|imatrix/i.test(name) &&
      (parsePartName(name)?.part ?? 1) === 1;
  });
}

/** Whether the name of a file or its folder says that it is of a type. */
function hasQuant(path: string, quant: string): boolean {
  // "Q4_K" is not "Q4_K_M", and "Q4_0" is not "IQ4_0".
  const escaped = RegExp.escape(quant);
  return new RegExp(`(?<![a-z\\d])${escaped}(?![a-z\\d_])`, "i").test(path);
}

function list(paths: readonly string[]): string {
  const more = paths.length - MAX_LISTED;
  const shown = paths.slice(0, MAX_LISTED).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
