const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/** Walks over the bytes of a pickle. */
export class PickleReader {
  /** Where the next byte stands. */
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #label: string;

  /**
   * Creates a reader at the start of a pickle.
   *
   * @param bytes The pickle.
   * @param label What errors call it.
   * @throws {RangeError} If it is longer than weights could need.
   */
  constructor(bytes: Uint8Array, label: string) {
    if (bytes.length > MAX_PICKLE_BYTES) {
      throw new RangeError(
        `Cannot read "${label}": its pickle has ${bytes.length} bytes, ` +
          `at most ${MAX_PICKLE_BYTES} are wanted`,
      );
    }
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
    this.#label = label;
  }

  /** A byte. */
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** A little-endian integer of 2 bytes. */
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  /** A little-endian integer of 4 bytes. */
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A signed little-endian integer of 4 bytes. */
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** A big-endian float of 8 bytes. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** Bytes of the pickle itself. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Text in UTF-8. */
  text(length: number): string {
    const start = this.#take(length);
    return DECODER.decode(this.#bytes.subarray(start, start + length));
  }

  /** Text up to a line break. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end < 0) this.#take(this.#bytes.length);
    const text = this.text(end - this.offset);
    this.offset++;
    return text;
  }

  /** A signed little-endian integer of any length; weights need at most 2^53. */
  long(length: number): number {
    const bytes = this.bytes(length);
    let value = 0n;
    for (let i = 0; i < bytes.length; i++) {
      value |= BigInt(bytes[i]!) << BigInt(8 * i);
    }
    return Number(BigInt.asIntN(8 * length, value));
  }

  #take(count: number): number {
    const start = this.offset;
    if (start + count > this.#bytes.length) {
      throw new SyntaxError(
        `Cannot read "${this.#label}": its pickle is truncated at byte ` +
          `${this.#bytes.length}`,
      );
    }
    this.offset += count;
    return start;
  }
}

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
