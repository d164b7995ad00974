import { quote } from "./quote.ts";

/**
 * A value of a GGUF file's metadata. 64-bit integers are numbers where a number
 * is exact, else bigints.
 */
export type MetadataValue =
  | string
  | number
  | bigint
  | boolean
  | MetadataValue[];

/** The metadata of a GGUF file by key. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** What `typeof` says of the values that the getters can be asked for. */
interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}

/**
 * Reads a string.
 *
 * @returns The value, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is not a string.
 */
export function getString(
  metadata: Metadata,
  key: string,
): string | undefined {
  return getScalar(metadata, key, "string");
}

/**
 * Reads a number.
 *
 * @returns The value, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is not a number, or beyond 2^53.
 */
export function getNumber(
  metadata: Metadata,
  key: string,
): number | undefined {
  return getScalar(metadata, key, "number");
}

/**
 * Reads a boolean.
 *
 * @returns The value, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is not a boolean.
 */
export function getBoolean(
  metadata: Metadata,
  key: string,
): boolean | undefined {
  return getScalar(metadata, key, "boolean");
}

/**
 * Reads an array of strings.
 *
 * @returns The array itself, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is anything else.
 */
export function getStrings(
  metadata: Metadata,
  key: string,
): readonly string[] | undefined {
  return getArray(metadata, key, "string");
}

/**
 * Reads an array of numbers.
 *
 * @returns The array itself, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is anything else.
 */
export function getNumbers(
  metadata: Metadata,
  key: string,
): readonly number[] | undefined {
  return getArray(metadata, key, "number");
}

/**
 * Reads a string that must be there.
 *
 * @throws {TypeError} If the file has no such key or its value is no string.
 */
export function requireString(metadata: Metadata, key: string): string {
  return required(key, getString(metadata, key));
}

/**
 * Reads a number that must be there.
 *
 * @throws {TypeError} If the file has no such key or its value is no number.
 */
export function requireNumber(metadata: Metadata, key: string): number {
  return required(key, getNumber(metadata, key));
}

/**
 * Reads a boolean that must be there.
 *
 * @throws {TypeError} If the file has no such key or its value is no boolean.
 */
export function requireBoolean(metadata: Metadata, key: string): boolean {
  return required(key, getBoolean(metadata, key));
}

/**
 * Reads an array of strings that must be there.
 *
 * @throws {TypeError} If the file has no such key or its value is another.
 */
export function requireStrings(
  metadata: Metadata,
  key: string,
): readonly string[] {
  return required(key, getStrings(metadata, key));
}

/**
 * Reads an array of numbers that must be there.
 *
 * @throws {TypeError} If the file has no such key or its value is another.
 */
export function requireNumbers(
  metadata: Metadata,
  key: string,
): readonly number[] {
  return required(key, getNumbers(metadata, key));
}

function getScalar<K extends keyof Kinds>(
  metadata: Metadata,
  key: string,
  kind: K,
): Kinds[K] | undefined {
  const value = own(metadata, key);
  if (value === undefined) return undefined;
  if (!is(value, kind)) {
    throw wrongType(key, `it is ${describe(value)}`, `a ${kind} is wanted`);
  }
  return value;
}

function getArray<K extends keyof Kinds>(
  metadata: Metadata,
  key: string,
  kind: K,
): Kinds[K][] | undefined {
  const value = own(metadata, key);
  if (value === undefined) return undefined;
  const wanted = `an array of ${kind}s is wanted`;
  if (!Array.isArray(value)) {
    throw wrongType(key, `it is ${describe(value)}`, wanted);
  }
  const wrong = value.findIndex((element) => !is(element, kind));
  if (wrong >= 0) {
    const element = describe(value[wrong]!);
    throw wrongType(key, `its element ${wrong} is ${element}`, wanted);
  }
  return value as Kinds[K][];
}

// A plain object has more properties than those it was given.
function own(metadata: Metadata, key: string): MetadataValue | undefined {
  return Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

function is<K extends keyof Kinds>(
  value: MetadataValue,
  kind: K,
): value is Kinds[K] {
  const actual: string = typeof value;
  return actual === kind;
}

function describe(value: MetadataValue): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "bigint") return `the integer ${value}`;
  return `a ${typeof value}`;
}

function wrongType(key: string, actual: string, wanted: string): TypeError {
  return new TypeError(`Cannot read ${quote(key)}: ${actual}, ${wanted}`);
}

function required<T>(key: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new TypeError(`Cannot read ${quote(key)}: the file has no such key`);
}
