import type { GgufArray, GgufField, GgufText } from "./field.ts";
import type { Metadata, MetadataValue } from "./metadata.ts";

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Takes the types off metadata.
 *
 * @param fields Keys and values with their types.
 * @returns The values by key, in an object without a prototype: 64-bit integers
 * as numbers where a number is exact, bytes that are not valid UTF-8 as U+FFFD.
 */
export function toMetadata(fields: readonly GgufField[]): Metadata {
  const metadata: Record<string, MetadataValue> = Object.create(null);
  for (const field of fields) {
    metadata[field.key] = field.type === "array"
      ? arrayOf(field)
      : scalarOf(field.value);
  }
  return metadata;
}

function arrayOf(array: GgufArray): MetadataValue[] {
  switch (array.of) {
    case "array":
      return array.value.map(arrayOf);
    case "string":
      return array.value.every((text) => typeof text === "string")
        ? array.value as string[]
        : array.value.map(textOf);
    case "bool":
      return Array.from(array.value, (value) => Boolean(value));
    case "u64":
    case "i64":
      return Array.from(array.value, scalarOf);
    default:
      return Array.from(array.value);
  }
}

function scalarOf(
  value: number | bigint | boolean | GgufText,
): MetadataValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return typeof value === "object" ? textOf(value) : value;
}

function textOf(text: GgufText): string {
  return typeof text === "string" ? text : DECODER.decode(text);
}
