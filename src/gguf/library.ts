import type { Cursor } from "./cursor.ts";
import type { MetadataValue } from "./metadata.ts";
import type { ScannedValue } from "./scan_values.ts";

/**
 * Reads values through `@huggingface/gguf`.
 *
 * The library is given a header of its own that holds just these values. Their
 * keys in it are 0, 1, 2 and so on, as it would lose a key such as `__proto__`
 * and mixes counts of its own with the keys of the file. It is loaded at the
 * first call.
 *
 * @param cursor A cursor of the source; where it stands does not matter.
 * @param values Where the values lie.
 * @returns The values in the same order, 64-bit integers as numbers where a
 * number is exact.
 */
export async function readByLibrary(
  cursor: Cursor,
  values: readonly ScannedValue[],
): Promise<MetadataValue[]> {
  if (values.length === 0) return [];
  const header = await buildHeader(cursor, values);
  const { gguf } = await import("@huggingface/gguf");
  try {
    const { metadata } = await gguf("http://header", {
      fetch: (_url, init) => Promise.resolve(rangeOf(header, init)),
    });
    const parsed = metadata as unknown as Record<number, MetadataValue>;
    return values.map((_, i) => narrow(parsed[i]!));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(
      `Cannot read "${cursor.label}": @huggingface/gguf says "${message}"`,
      { cause },
    );
  }
}

async function buildHeader(
  cursor: Cursor,
  values: readonly ScannedValue[],
): Promise<Uint8Array<ArrayBuffer>> {
  const keys = values.map((_, i) => String(i));
  const size = values.reduce(
    (sum, { offset, end }, i) => sum + 8 + keys[i]!.length + 4 + end - offset,
    24,
  );
  const header = new Uint8Array(size);
  const view = new DataView(header.buffer);
  const encoder = new TextEncoder();
  encoder.encodeInto("GGUF", header);
  view.setUint32(4, 3, true); // version
  view.setBigUint64(16, BigInt(values.length), true); // after 0 tensors
  let at = 24;
  for (const [i, { type, offset, end }] of values.entries()) {
    const key = keys[i]!;
    view.setBigUint64(at, BigInt(key.length), true);
    encoder.encodeInto(key, header.subarray(at + 8));
    at += 8 + key.length;
    view.setUint32(at, type, true);
    cursor.offset = offset;
    header.set(await cursor.bytes(end - offset), at + 4);
    at += 4 + end - offset;
  }
  return header;
}

/** Answers a request for a range; what is beyond the end is left out. */
function rangeOf(header: Uint8Array<ArrayBuffer>, init?: RequestInit) {
  const range = new Headers(init?.headers).get("range") ?? "";
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return new Response(header.subarray(Number(first), Number(last) + 1));
}

function narrow(value: MetadataValue): MetadataValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (!Array.isArray(value)) return value;
  // All elements of an array are of one type.
  const first = value[0];
  const mayNarrow = typeof first === "bigint" || Array.isArray(first);
  return mayNarrow ? value.map(narrow) : value;
}
