/**
 * Quantizes the models of a folder to every type, compares the results with the
 * files of the folder that llama.cpp made of them, and prints a line each.
 *
 *     deno run -A tests/quantize_models.ts [--workers=N] FOLDER [TYPE ...]
 *
 * `NAME-TYPE.gguf` is held to `NAME-F32.gguf`, or `NAME-F16.gguf` where that is
 * all there is: then only the formats can be, as it was made of weights that
 * are gone. A file that says that an importance matrix was used, which is not
 * there, is held to the formats, and to the bytes of what was not weighed.
 *
 * @module
 */

import { join } from "node:path";
import { writeLine } from "../cli/output.ts";
import { QUANTIZATION_TYPES } from "../src/quantize/types.ts";
import { compareQuantized, type Comparison } from "./quantize_compare.ts";

const [folder, ...only] = Deno.args.filter((arg) => !arg.startsWith("--"));
if (folder === undefined) {
  throw new TypeError("Cannot compare: a folder of models is wanted");
}
const flag = Deno.args.find((arg) => arg.startsWith("--workers="));
const workers = flag === undefined ? 2 : Number(flag.split("=")[1]);
const files = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
const wanted = only.map((type) => type.toUpperCase());
let failed = 0;
for (const name of namesIn(files)) {
  const type = files.has(`${name}-F32.gguf`) ? "F32" : "F16";
  for (const { name: to } of QUANTIZATION_TYPES) {
    if (wanted.length > 0 && !wanted.includes(to)) continue;
    if (to === type || !files.has(`${name}-${to}.gguf`)) continue;
    await compare(name, type, to);
  }
}
Deno.exit(failed > 0 ? 1 : 0);

function namesIn(files: ReadonlySet<string>): string[] {
  const names = [...files].map((file) => /^(.*)-F(?:32|16)\.gguf$/.exec(file));
  return [...new Set(names.flatMap((match) => match?.[1] ?? []))].sort();
}

async function compare(
  name: string,
  from: "F32" | "F16",
  to: string,
): Promise<void> {
  const result = await compareQuantized({
    source: join(folder!, `${name}-${from}.gguf`),
    reference: join(folder!, `${name}-${to}.gguf`),
    type: to,
    workers,
  });
  const isHeld = from === "F32";
  const { otherFormat, otherBytes } = result;
  const isBad = otherFormat.length > 0 || (isHeld && otherBytes.length > 0);
  if (isBad) failed++;
  const rate = `${(result.weightsPerSecond / 1e6).toFixed(1)} M weights/s`;
  writeLine(
    [
      isBad ? "BAD " : "good",
      `${name}-${from}`.padEnd(16),
      to.padEnd(7),
      describe(result, isHeld),
      `(${rate})`,
    ].join("  "),
  );
}

function describe(
  { identical, tensors, otherFormat, otherBytes, unknown }: Comparison,
  isHeld: boolean,
): string {
  if (identical) return "the whole file is identical";
  if (!isHeld) {
    return `${tensors - otherFormat.length} of ${tensors} formats are the same`;
  }
  const same = tensors - otherFormat.length - otherBytes.length -
    unknown.length;
  const parts = [`${same} of ${tensors} tensors are identical`];
  if (unknown.length > 0) parts.push(`${unknown.length} weighed by importance`);
  if (otherFormat.length > 0) {
    parts.push(`of another format: ${otherFormat.join(", ")}`);
  }
  if (otherBytes.length > 0) {
    parts.push(`of other bytes: ${otherBytes.join(", ")}`);
  }
  return parts.join("; ");
}
