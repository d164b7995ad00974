import { quote } from "../gguf/quote.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { ImportanceMatrix } from "./importance.ts";

const { fround } = Math;

/** A walk over the bytes of the file. */
interface Walk {
  readonly label: string;
  readonly view: DataView<ArrayBuffer>;
  at: number;
}

const MAX_NAME_BYTES = 65_535;

/**
 * Reads an importance matrix of the format before GGUF: counts, names and sums
 * one after the other.
 *
 * @param source The file.
 * @returns The importance matrix.
 * @throws {SyntaxError} If it is of no such format, or an entry comes twice.
 * @throws {RangeError} If it is truncated, or a count is out of its range.
 */
export async function readImportanceDat(
  source: ByteSource,
): Promise<ImportanceMatrix> {
  const { label, size } = source;
  if (size < 4) {
    throw new SyntaxError(
      `Cannot read importance matrix "${label}": it has ${size} bytes, ` +
        "a file of llama-imatrix is wanted",
    );
  }
  const bytes = new Uint8Array(size);
  await source.readInto(bytes, 0);
  const walk = { label, view: new DataView(bytes.buffer), at: 0 };
  const count = int(walk, "the count of entries", [1, size]);
  const entries = new Map<string, Float32Array>();
  for (let i = 0; i < count; i++) {
    const name = text(walk, `the length of name ${i}`);
    if (entries.has(name)) {
      throw new SyntaxError(
        `Cannot read importance matrix "${label}": it has the entry ` +
          `${quote(name)} twice`,
      );
    }
    entries.set(name, readMeans(walk, name));
  }
  // Older files end here.
  const hasMore = walk.at < size;
  const chunks = hasMore ? int(walk, "the count of chunks", [0, 2 ** 31]) : 0;
  const dataset = hasMore
    ? text(walk, "the length of the data set")
    : undefined;
  return { label, dataset: dataset || undefined, chunks, entries };
}

function readMeans(walk: Walk, name: string): Float32Array {
  const calls = int(walk, `the calls of entry ${quote(name)}`, [0, 2 ** 31]);
  const what = `the length of entry ${quote(name)}`;
  const length = int(walk, what, [1, walk.view.byteLength]);
  const start = step(walk, 4 * length);
  const means = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const sum = walk.view.getFloat32(start + 4 * i, true);
    means[i] = calls > 0 ? sum / fround(calls) : sum;
  }
  return means;
}

function text(walk: Walk, what: string): string {
  const length = int(walk, what, [0, MAX_NAME_BYTES]);
  const start = step(walk, length);
  const bytes = new Uint8Array(walk.view.buffer, start, length);
  return new TextDecoder().decode(bytes);
}

function int(
  walk: Walk,
  what: string,
  [least, most]: [number, number],
): number {
  const at = step(walk, 4);
  const value = walk.view.getInt32(at, true);
  if (value >= least && value <= most) return value;
  throw new RangeError(
    `Cannot read importance matrix "${walk.label}": ${what} at byte ${at} ` +
      `is ${value}, ${least} to ${most} is wanted; is it another kind of file?`,
  );
}

/** Steps over bytes, and says where they started. */
function step(walk: Walk, count: number): number {
  const { at, label, view } = walk;
  if (at + count > view.byteLength) {
    throw new RangeError(
      `Cannot read importance matrix "${label}": it is truncated, ${count} ` +
        `bytes are wanted at byte ${at} of ${view.byteLength}`,
    );
  }
  walk.at += count;
  return at;
}
