import { assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { Cursor } from "../src/gguf/cursor.ts";
import { type HeaderScan, scanHeader } from "../src/gguf/scan.ts";
import { type ByteSource, openSource } from "../src/gguf/source.ts";
import { buildGguf, type BuildGgufOptions } from "./gguf_builder.ts";

/** What a watched source was asked for. */
export interface Seen {
  /** Bytes of all reads together. */
  bytes: number;
  /** Bytes of the largest read. */
  most: number;
}

/** Opens bytes as `x.gguf` and counts what is read of them. */
export async function watched(
  bytes: Uint8Array,
): Promise<{ source: ByteSource; seen: Seen }> {
  const source = await openSource(bytes);
  const seen = { bytes: 0, most: 0 };
  const watch: ByteSource = {
    label: "x.gguf",
    size: source.size,
    readInto(target, offset) {
      seen.bytes += target.length;
      seen.most = Math.max(seen.most, target.length);
      return source.readInto(target, offset);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
  return { source: watch, seen };
}

/** Scans the header of a file. */
export async function scan(
  file: Uint8Array | BuildGgufOptions,
): Promise<HeaderScan> {
  const bytes = file instanceof Uint8Array ? file : buildGguf(file);
  const { source } = await watched(bytes);
  return await scanHeader(new Cursor(source));
}

/** The class of an error, and a part of its message. */
export type Refusal = [new (message: string) => Error, string];

/**
 * Registers a test that `scanHeader()` refuses a file, and reads no more of it
 * than there is whatever its counts say.
 */
export function refuses(
  what: string,
  file: Uint8Array | BuildGgufOptions,
  [kind, message]: Refusal,
): void {
  Deno.test(`scanHeader() refuses ${what}`, async () => {
    const bytes = file instanceof Uint8Array ? file : buildGguf(file);
    const { source, seen } = await watched(bytes);
    const error = await assertRejects(
      () => scanHeader(new Cursor(source)),
      kind,
    );
    assertStringIncludes(error.message, 'Cannot read "x.gguf": ');
    assertStringIncludes(error.message, message);
    assertLess(seen.bytes, 2 * bytes.length + 1);
  });
}
