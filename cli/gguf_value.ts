import type { GgufArray, GgufValue } from "../src/gguf/field.ts";
import { VALUE_TYPES, type ValueType } from "../src/gguf/value_type.ts";

type ScalarType = Exclude<ValueType, "array">;

/** The types that a value can be given in, and arrays of them. */
export const GIVEN_TYPES: readonly string[] = VALUE_TYPES
  .filter((type) => type !== "array")
  .flatMap((type) => [type, `${type}[]`]);

/**
 * Reads a value that was typed in.
 *
 * @param type Its type, such as `u32` or `u32[]`.
 * @param text A number, `true` or `false`, or text as it is; of arrays a list in
 * JSON, where integers beyond 2^53 are given as strings.
 * @returns The value; whether a number is in range is seen when it is written.
 * @throws {TypeError} If there is no such type, or the text is not of it.
 */
export function parseValue(type: string, text: string): GgufValue {
  if (!GIVEN_TYPES.includes(type)) {
    throw new TypeError(
      `Cannot read the value: its type is "${type}", one of ` +
        `${GIVEN_TYPES.filter((name) => !name.endsWith("]")).join(", ")} ` +
        "is wanted, with [] for arrays",
    );
  }
  if (!type.endsWith("[]")) {
    const scalar = type as ScalarType;
    return { type: scalar, value: parseScalar(scalar, text) } as GgufValue;
  }
  const of = type.slice(0, -2) as ScalarType;
  const value = parseList(text).map((element, i) =>
    parseElement(of, element, i)
  );
  return { type: "array", of, value } as GgufArray;
}

function parseScalar(
  type: ScalarType,
  text: string,
): number | bigint | boolean | string {
  switch (type) {
    case "string":
      return text;
    case "bool":
      if (text === "true" || text === "false") return text === "true";
      throw wrong(text, "true or false");
    case "u64":
    case "i64":
      return integer(text);
    case "f32":
    case "f64":
      return float(text);
    default:
      return Number(integer(text));
  }
}

function parseElement(type: ScalarType, element: unknown, index: number) {
  try {
    if (type === "string" && typeof element === "string") return element;
    if (type === "bool" && typeof element === "boolean") return element;
    if (type === "string" || type === "bool") {
      throw wrong(JSON.stringify(element), type);
    }
    if (typeof element === "string") return parseScalar(type, element);
    if (typeof element !== "number") {
      throw wrong(JSON.stringify(element), "a number");
    }
    // JSON.parse() makes it of numbers that are too large.
    if (!Number.isFinite(element)) throw wrong(String(element), BELOW);
    const isExact = Math.abs(element) <= Number.MAX_SAFE_INTEGER;
    if ((type === "u64" || type === "i64") && !isExact) {
      throw wrong(String(element), "a string, as numbers end at 2^53,");
    }
    return parseScalar(type, String(element));
  } catch (error) {
    if (error instanceof Error) {
      error.message = error.message.replace("value:", `element ${index}:`);
    }
    throw error;
  }
}

function parseList(text: string): unknown[] {
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch { /* said below */ }
  throw wrong(text, 'a list such as [1, 2] or ["a", "b"]');
}

function integer(text: string): bigint {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text);
  throw wrong(text, "an integer");
}

const BELOW = "a number below 2^1024";

function float(text: string): number {
  const number = text.trim() === "" ? NaN : Number(text);
  const isMeant = Number.isFinite(number) ||
    /^(?:NaN|[+-]?Infinity)$/.test(text);
  if (isMeant) return number;
  throw wrong(text, Number.isNaN(number) ? "a number" : BELOW);
}

function wrong(text: string, wanted: string): TypeError {
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return new TypeError(
    `Cannot read the value: it is ${JSON.stringify(shown)}, ${wanted} is ` +
      "wanted",
  );
}
