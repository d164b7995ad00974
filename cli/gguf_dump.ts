import { Command } from "commander";
import type { GgufArray, GgufField, GgufText } from "../src/gguf/field.ts";
import { fileType } from "../src/gguf/file_types.ts";
import type { TensorInfo } from "../src/gguf/scan_tensors.ts";
import { typeName } from "../src/gguf/set_fields.ts";
import { openFile } from "../src/gguf/source.ts";
import { toMetadata } from "../src/gguf/to_metadata.ts";
import { readTypedGguf, type TypedGguf } from "../src/gguf/typed_reader.ts";
import { formatBytes } from "../mod.ts";
import { jsonOption } from "./options.ts";
import { formatTable, writeJson, writeLine } from "./output.ts";
import { columnsOfOutput, cut, printable } from "./printable.ts";

/** Elements of an array that are shown, unless `--full` is given. */
const SHOWN = 8;
/** Columns of a value, unless `--full` is given or the terminal is narrower. */
const VALUE_COLUMNS = 100;
/** Fewer columns than these have a line for each part of a row. */
const NARROW = 72;

/** `seraph gguf dump` */
export function dumpCommand(): Command {
  return new Command("dump")
    .description("show a file's metadata, with types, and its tensors")
    .argument("<file>", "GGUF file; a part of a split one is shown alone")
    .option("--full", "show long arrays and texts whole")
    .addOption(jsonOption())
    .action(dump);
}

async function dump(
  path: string,
  { json, full = false }: { json?: boolean; full?: boolean },
): Promise<void> {
  await using source = await openFile(path);
  const file = await readTypedGguf(source);
  if (json) writeJson(dumpToJson(file, full));
  else writeLine(formatDump(file, { full, columns: columnsOfOutput() }));
}

/** Options for {@linkcode formatDump}. */
export interface FormatDumpOptions {
  /** Whether long arrays and texts are shown whole. */
  full: boolean;
  /** Columns of a line; not kept to where all is to be shown. */
  columns: number;
}

/**
 * Lays out what stands in a file.
 *
 * @param file The file's header.
 * @param options How much is shown.
 * @returns Lines of text.
 */
export function formatDump(
  file: TypedGguf,
  { full, columns }: FormatDumpOptions,
): string {
  const { label, version, size, alignment, fields, tensors } = file;
  const type = fileType(toMetadata(fields));
  const head = `${label}: GGUF ${version}, ${formatBytes(size)}, ` +
    `${fields.length} keys, ${tensors.length} tensors aligned to ` +
    `${alignment} bytes${type === null ? "" : `, ${type}`}`;
  const keys = fields.map((field) => [
    printable(field.key),
    describeType(field),
    describeValue(field, full),
  ]);
  const rows = tensors.map(({ name, format, shape, offset, bytes }) => [
    printable(name),
    format.name,
    shape.join(" x "),
    String(offset),
    String(bytes),
  ]);
  const layOut = (rows: string[][]) => {
    const limit = full ? Infinity : columns;
    return layOutRows(rows, { isNarrow: columns < NARROW, limit });
  };
  return [
    cut(printable(head), full ? Infinity : columns),
    ...(keys.length > 0
      ? ["", ...layOut([["key", "type", "value"], ...keys])]
      : []),
    ...(rows.length > 0
      ? ["", ...layOut([["tensor", "type", "shape", "at", "bytes"], ...rows])]
      : []),
  ].join("\n");
}

function layOutRows(
  rows: string[][],
  { isNarrow, limit }: { isNarrow: boolean; limit: number },
): string[] {
  const lines = isNarrow
    ? rows.flatMap(([first, ...rest]) => [first!, `  ${rest.join("  ")}`])
    : formatTable(rows).split("\n");
  return lines.map((line) => cut(line, limit));
}

/** The type, of an array with its length: `string[32000]`. */
function describeType(field: GgufField): string {
  return field.type === "array"
    ? `${field.of}[${field.value.length}]`
    : field.type;
}

function describeValue(field: GgufField, full: boolean): string {
  const text = field.type === "array"
    ? describeArray(field, full)
    : describeScalar(field.type, field.value);
  return full ? text : cut(text, VALUE_COLUMNS);
}

function describeArray(array: GgufArray, full: boolean): string {
  const { of, value } = array;
  const count = full ? value.length : Math.min(SHOWN, value.length);
  const shown = Array.from({ length: count }, (_, i) => {
    if (of === "array") return describeArray(value[i]!, full);
    const element = value[i] as number | bigint | boolean | GgufText;
    if (of === "bool") return String(Boolean(element));
    return of === "string"
      ? `"${describeScalar(of, element)}"`
      : describeScalar(of, element);
  });
  return `[${[...shown, ...(count < value.length ? ["…"] : [])].join(", ")}]`;
}

function describeScalar(
  type: string,
  value: number | bigint | boolean | GgufText,
): string {
  if (value instanceof Uint8Array) return `<${hex(value)}>`;
  if (type === "f32") return shortest(value as number);
  return typeof value === "string" ? printable(value) : String(value);
}

/** The shortest decimal that is a number of 32 bits. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(value);
}

/**
 * What `--json` prints of a file.
 *
 * @param file The file's header.
 * @param full Whether long arrays are given whole.
 * @returns What JSON can hold: numbers beyond it are strings.
 */
export function dumpToJson(file: TypedGguf, full: boolean) {
  const { label, version, size, alignment, headers, fields, tensors } = file;
  return {
    label,
    version,
    size,
    alignment,
    dataOffset: headers[0]!.end,
    metadata: fields.map((field) => fieldToJson(field, full)),
    tensors: tensors.map(tensorToJson),
  };
}

function fieldToJson(field: GgufField, full: boolean) {
  const { key } = field;
  const type = typeName(field);
  if (field.type !== "array") return { key, type, value: toPlain(field.value) };
  const { length } = field.value;
  if (full || length <= SHOWN) {
    return { key, type, length, value: arrayToJson(field) };
  }
  return { key, type, length, first: arrayToJson(field, SHOWN) };
}

function arrayToJson(
  { of, value }: GgufArray,
  most: number = value.length,
): unknown[] {
  const count = Math.min(most, value.length);
  return Array.from({ length: count }, (_, i) => {
    if (of === "array") return arrayToJson(value[i]!);
    if (of === "bool") return Boolean(value[i]);
    return toPlain(value[i]!);
  });
}

/** What JSON has no numbers for is text; bytes that are no text are hex. */
function toPlain(value: number | bigint | boolean | GgufText): unknown {
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : String(value);
  }
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return value instanceof Uint8Array ? { bytes: hex(value) } : value;
}

function tensorToJson({ name, format, shape, offset, bytes }: TensorInfo) {
  return { name, type: format.name, shape, offset, bytes };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
