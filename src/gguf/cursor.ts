import type { ByteSource } from "./source.ts";

const WINDOW_BYTES = 1 << 20;
const MAX_HEADER_BYTES = 48_000_000;

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Walks over a header's little-endian values through a window of at most 1 MiB.
 * Only the first 48 MB of a source can be the header.
 *
 * The value methods are synchronous, which makes walking over 300,000 tokens
 * cheap; the caller sees to it that the bytes are in the window:
 *
 * ```ts ignore
 * if (!cursor.has(8)) await cursor.fill(8);
 * const length = cursor.count(1, what);
 * ```
 */
export class Cursor {
  /** Where the next value starts. May be set, to a place in the source. */
  offset = 0;
  readonly #source: ByteSource;
  readonly #window: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #start = 0;
  #end = 0;

  /**
   * Creates a cursor at the start of `source`.
   *
   * @param source The bytes to walk over.
   */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#window = new Uint8Array(Math.min(WINDOW_BYTES, source.size));
    this.#view = new DataView(this.#window.buffer);
  }

  /** What errors call the source. */
  get label(): string {
    return this.#source.label;
  }

  /** Bytes of the source. */
  get size(): number {
    return this.#source.size;
  }

  /** Bytes from the offset to the end of the source. */
  get left(): number {
    return this.#source.size - this.offset;
  }

  /** Whether the next `count` bytes are in the window. */
  has(count: number): boolean {
    return this.offset >= this.#start && this.offset + count <= this.#end;
  }

  /**
   * Brings the next `count` bytes into the window.
   *
   * @throws {RangeError} If the source ends before, or the header is too large.
   */
  async fill(count: number): Promise<void> {
    if (this.has(count)) return;
    this.#checkLeft(count);
    const length = Math.min(this.#window.length, this.left);
    await this.#source.readInto(this.#window.subarray(0, length), this.offset);
    this.#start = this.offset;
    this.#end = this.offset + length;
  }

  /**
   * Steps over `count` bytes, which need not be in the window.
   *
   * @throws {RangeError} If the source ends before, or the header is too large.
   */
  skip(count: number): void {
    this.#checkLeft(count);
    this.offset += count;
  }

  /** Steps over the next 32-bit number. */
  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** Steps over the next 64-bit number. */
  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  /**
   * Steps over the next 64-bit number, a count of things that follow it.
   *
   * @param unit The least bytes of one thing.
   * @param what Names the count in the error.
   * @throws {RangeError} If the source has no room for so many things.
   */
  count(unit: number, what: () => string): number {
    const at = this.#step(8);
    const low = this.#view.getUint32(at, true);
    const high = this.#view.getUint32(at + 4, true);
    const count = high * 2 ** 32 + low; // inexact only where it is refused
    if (count * unit > this.left) {
      throw new RangeError(
        `Cannot read "${this.label}": ${what()} at byte ${this.offset - 8} ` +
          `is ${this.#view.getBigUint64(at, true)}, ` +
          `and only ${this.left} bytes follow`,
      );
    }
    return count;
  }

  /** Steps over `length` bytes in the window; valid until the next `fill()`. */
  bytesInWindow(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#step(length);
    return this.#window.subarray(at, at + length);
  }

  /**
   * Steps over `length` bytes and decodes them as UTF-8. A byte order mark is
   * kept, and what is not valid becomes U+FFFD.
   */
  async text(length: number): Promise<string> {
    return DECODER.decode(await this.bytes(length));
  }

  /** Steps over `length` bytes; valid until the next `fill()`. */
  async bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length <= this.#window.length) {
      await this.fill(length);
      return this.bytesInWindow(length);
    }
    this.#checkLeft(length);
    const bytes = new Uint8Array(length);
    await this.#source.readInto(bytes, this.offset);
    this.offset += length;
    return bytes;
  }

  #checkLeft(count: number): void {
    // Else a crafted file of many GB could keep the walk busy for hours.
    if (this.offset + count > MAX_HEADER_BYTES && count <= this.left) {
      throw new RangeError(
        `Cannot read "${this.label}": its header has ${count} bytes at byte ` +
          `${this.offset}, at most ${MAX_HEADER_BYTES} in all are wanted`,
      );
    }
    if (count <= this.left) return;
    throw new RangeError(
      `Cannot read "${this.label}": its header is truncated, ${count} bytes ` +
        `are wanted at byte ${this.offset} of ${this.size}`,
    );
  }

  #step(count: number): number {
    const at = this.offset - this.#start;
    this.offset += count;
    return at;
  }
}
