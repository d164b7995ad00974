/** Number types that {@linkcode ByteWriter} writes, little-endian. */
export type NumberType =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "f32"
  | "u64"
  | "i64"
  | "f64";

const ENCODER = new TextEncoder();

/** Collects bytes in a buffer that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends one number. */
  number(type: NumberType, value: number | bigint | boolean): void {
    const at = this.#grow(Number(type.slice(1)) / 8);
    const view = this.#view;
    const number = Number(value);
    switch (type) {
      case "u8":
        return view.setUint8(at, number);
      case "i8":
        return view.setInt8(at, number);
      case "u16":
        return view.setUint16(at, number, true);
      case "i16":
        return view.setInt16(at, number, true);
      case "u32":
        return view.setUint32(at, number, true);
      case "i32":
        return view.setInt32(at, number, true);
      case "f32":
        return view.setFloat32(at, number, true);
      case "u64":
        return view.setBigUint64(at, BigInt(value), true);
      case "i64":
        return view.setBigInt64(at, BigInt(value), true);
      case "f64":
        return view.setFloat64(at, number, true);
    }
  }

  /** Appends a 32-bit unsigned integer. */
  u32(value: number): void {
    this.number("u32", value);
  }

  /** Appends a 64-bit unsigned integer. */
  u64(value: number | bigint): void {
    this.number("u64", value);
  }

  /** Appends bytes. */
  bytes(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Appends text as GGUF has it: its length in bytes, then UTF-8. */
  string(text: string): void {
    const at = this.#grow(8 + 3 * text.length); // the most that it can take
    const target = this.#bytes.subarray(at + 8);
    const { written } = ENCODER.encodeInto(text, target);
    this.#view.setBigUint64(at, BigInt(written), true);
    this.#bytes.fill(0, at + 8 + written, this.#length);
    this.#length = at + 8 + written;
  }

  /** Appends zeros. */
  zeros(count: number): void {
    this.#grow(count);
  }

  /** Copies what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * at, this.#length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
