import { quote } from "../gguf/quote.ts";

/** What JSON of a file may be like. */
export interface JsonLimits {
  /** What errors call the file. */
  label: string;
  /** Levels of arrays and objects. Defaults to 64. */
  maxDepth?: number;
  /** Values in all. Defaults to 4 million. */
  maxValues?: number;
  /** Whether no object may have a name twice. Defaults to `false`. */
  unique?: boolean;
}

/** A JSON object: own properties only, whatever their names. */
export type JsonObject = Readonly<Record<string, unknown>>;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Parses JSON that may be anything: how deep and how much it is, is checked
 * before it takes memory.
 *
 * @param text The JSON.
 * @param limits What it may be like.
 * @returns The value.
 * @throws {SyntaxError} If it is no JSON, or an object has a name twice.
 * @throws {RangeError} If it is too deep or too much.
 */
export function parseJson(text: string, limits: JsonLimits): unknown {
  checkStructure(text, limits);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read "${limits.label}": it is no JSON: ${
        (error as Error).message
      }`,
    );
  }
}

/**
 * Parses JSON that must be an object.
 *
 * @param text The JSON.
 * @param limits What it may be like.
 * @returns The object.
 * @throws {SyntaxError} If it is no JSON, or an object has a name twice.
 * @throws {RangeError} If it is too deep or too much.
 * @throws {TypeError} If it is another value.
 */
export function parseJsonObject(text: string, limits: JsonLimits): JsonObject {
  const value = parseJson(text, limits);
  if (isObject(value)) return value;
  throw new TypeError(
    `Cannot read "${limits.label}": it is ${
      describe(value)
    }, an object is wanted`,
  );
}

/** Tells whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own property of an object, `undefined` where it has none or `null`. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] ?? undefined : undefined;
}

/** Shows a JSON value in an error message, however long it is. */
export function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return value === undefined ? "missing" : String(value);
}

/** Counts without parsing; what is wrong otherwise is left to the parser. */
function checkStructure(
  text: string,
  { label, maxDepth = 64, maxValues = 4e6, unique = false }: JsonLimits,
): void {
  const names: Set<string>[] = [];
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (unique && isName(text, end)) {
        addName(names[depth], text.slice(at, end), label);
      }
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) { // { [
      values++;
      if (++depth > maxDepth) {
        throw new RangeError(
          `Cannot read "${label}": its JSON has more than ${maxDepth} levels`,
        );
      }
      if (unique) names[depth] = new Set();
    } else if (code === 0x7d || code === 0x5d) { // } ]
      depth = Math.max(0, depth - 1);
    } else if (code === COMMA && ++values > maxValues) {
      throw new RangeError(
        `Cannot read "${label}": its JSON has more than ${maxValues} values`,
      );
    }
  }
}

/** Where the string that starts at `start` is over. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (SPACES.has(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === COLON;
}

function addName(
  names: Set<string> | undefined,
  literal: string,
  label: string,
): void {
  let name = literal.slice(1, -1);
  if (literal.includes("\\")) {
    try {
      name = JSON.parse(literal);
    } catch {
      return; // the parser says so
    }
  }
  if (names?.has(name)) {
    throw new SyntaxError(
      `Cannot read "${label}": its JSON has the name ${quote(name)} twice`,
    );
  }
  names?.add(name);
}
