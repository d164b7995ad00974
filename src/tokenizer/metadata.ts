/** Metadata of a GGUF file: each key's value as the reader gave it. */
export type Metadata = Readonly<Record<string, unknown>>;

/**
 * Reads a flag.
 *
 * @param metadata The file's metadata.
 * @param key The key.
 * @returns The value, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is not a boolean.
 */
export function readBoolean(
  metadata: Metadata,
  key: string,
): boolean | undefined {
  const value = metadata[key];
  if (value === undefined || typeof value === "boolean") return value;
  throw new TypeError(
    `Cannot load tokenizer: ${key} is ${describe(value)}, a boolean is wanted`,
  );
}

/**
 * Reads a token id.
 *
 * @param metadata The file's metadata.
 * @param key The key.
 * @param size Number of tokens: ids are below it.
 * @returns The id, or `undefined` where the file has no such key.
 * @throws {RangeError} If the value is not the id of a token.
 */
export function readId(
  metadata: Metadata,
  key: string,
  size: number,
): number | undefined {
  const value = metadata[key];
  if (value === undefined) return undefined;
  const id = typeof value === "bigint" ? Number(value) : value;
  if (!isInteger(id) || id < 0 || id >= size) {
    throw new RangeError(
      `Cannot load tokenizer: ${key} is ${describe(value)}, an id from 0 to ${
        size - 1
      } is wanted`,
    );
  }
  return id;
}

/**
 * Reads an array: a JavaScript array or a typed one.
 *
 * @param metadata The file's metadata.
 * @param key The key.
 * @param length The wanted length. Defaults to any length.
 * @returns The array, or `undefined` where the file has no such key.
 * @throws {TypeError} If the value is not an array.
 * @throws {RangeError} If the array has another length.
 */
export function readArray(
  metadata: Metadata,
  key: string,
  length?: number,
): ArrayLike<unknown> | undefined {
  const value = metadata[key];
  if (value === undefined) return undefined;
  if (!isArrayLike(value)) {
    throw new TypeError(
      `Cannot load tokenizer: ${key} is ${describe(value)}, an array is wanted`,
    );
  }
  if (length !== undefined && value.length !== length) {
    throw new RangeError(
      `Cannot load tokenizer: ${key} has ${value.length} entries, ${length} (one for each token) are wanted`,
    );
  }
  return value;
}

/**
 * Shows a value in an error message, however long or odd it is.
 *
 * @param value Any value.
 * @returns A short text: the value itself, or what kind of thing it is.
 */
export function describe(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 64 ? value.slice(0, 64) : value);
  }
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) ||
    ArrayBuffer.isView(value) && !(value instanceof DataView);
}
