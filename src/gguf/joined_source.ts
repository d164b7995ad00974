import { closedError } from "./closed_error.ts";
import type { ByteSource, SourcePart } from "./source.ts";

/** What {@linkcode openParts} opens. */
export interface PartsToOpen {
  /** What errors call all parts together. */
  label: string;
  /** How many there are. */
  count: number;
  /** Opens one of them, from 1 on. */
  open: (part: number) => Promise<ByteSource>;
  /** What a part is called, for errors. Defaults to its number alone. */
  nameOf?: (part: number) => string;
}

/**
 * Opens the parts of a split GGUF file as one source: the parts one behind the
 * other, with where each of them starts, so that `readGguf()` finds the tensors
 * of all.
 *
 * @param options What the parts are.
 * @returns The source; disposing of it disposes of the parts.
 * @throws {Error} If a part cannot be opened; it is named.
 */
export async function openParts(
  { label, count, open, nameOf }: PartsToOpen,
): Promise<ByteSource> {
  await using opened = new AsyncDisposableStack();
  const parts: ByteSource[] = [];
  for (let part = 1; part <= count; part++) {
    try {
      parts.push(opened.use(await open(part)));
    } catch (cause) {
      const name = nameOf === undefined ? "" : ` "${nameOf(part)}"`;
      throw new Error(
        `Cannot open model "${label}": part ${part} of ${count}${name}: ` +
          reason(cause),
        { cause },
      );
    }
  }
  const joined = new JoinedSource(label, parts);
  opened.move(); // now they are its own
  return joined;
}

/** What went wrong, without what it was that cannot be done. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^Cannot open model "[^"]*": /, "");
}

class JoinedSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  readonly parts: readonly SourcePart[];
  readonly #sources: readonly ByteSource[];
  #isClosed = false;

  constructor(label: string, sources: readonly ByteSource[]) {
    this.label = label;
    this.#sources = sources;
    let offset = 0;
    this.parts = sources.map(({ label, size }) => {
      offset += size;
      return { label, size, offset: offset - size };
    });
    this.size = offset;
  }

  async prepare(): Promise<void> {
    if (this.#isClosed) throw closedError(this.label);
    // One at a time: each takes all connections that it may.
    for (const source of this.#sources) await source.prepare?.();
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    if (this.#isClosed) throw closedError(this.label);
    const end = offset + target.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || end > this.size) {
      throw new RangeError(
        `Cannot read "${this.label}": its ${this.parts.length} parts have ` +
          `${this.size} bytes, bytes ${offset} to ${end} are wanted`,
      );
    }
    const reads: Promise<void>[] = [];
    for (const [i, part] of this.parts.entries()) {
      const from = Math.max(offset, part.offset);
      const to = Math.min(end, part.offset + part.size);
      if (from >= to) continue;
      const piece = target.subarray(from - offset, to - offset);
      reads.push(this.#sources[i]!.readInto(piece, from - part.offset));
    }
    await Promise.all(reads);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(
      this.#sources.map((source) => source[Symbol.asyncDispose]()),
    );
  }
}

/**
 * One part of a source, as a source of its own.
 *
 * @param source What the part lies in. It is not disposed of with the part.
 * @param part The part.
 * @returns The part.
 */
export function partSource(source: ByteSource, part: SourcePart): ByteSource {
  const { label, size, offset: start } = part;
  return {
    label,
    size,
    async readInto(target, offset) {
      if (offset + target.length <= size) {
        return await source.readInto(target, start + offset);
      }
      throw new RangeError(
        `Cannot read "${label}": it ends at byte ${size}, ` +
          `bytes ${offset} to ${offset + target.length} are wanted`,
      );
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
