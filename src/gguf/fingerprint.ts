import { createHash } from "node:crypto";
import type { ByteSource } from "./source.ts";

/** Of each stretch of a file these bytes, its first ones, are taken. */
const SAMPLE_BYTES = 4096;
const STRETCH_BYTES = 64 * 1024;

/**
 * A file that is told apart from others by what is read of it. Samples all over
 * the file do, as no two models agree in them: hashing all of it would take
 * longer than loading it.
 *
 * The fingerprint is that of the samples in the order in which they were read,
 * however much at a time.
 */
export class FingerprintedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #hash = createHash("sha256");

  /**
   * Creates a {@linkcode FingerprintedSource}.
   *
   * @param source The file, which is closed with it.
   */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#hash.update(`${source.size}`);
  }

  get label(): string {
    return this.#source.label;
  }

  get size(): number {
    return this.#source.size;
  }

  async readInto(bytes: Uint8Array, offset: number): Promise<void> {
    await this.#source.readInto(bytes, offset);
    const end = offset + bytes.length;
    const first = Math.floor(offset / STRETCH_BYTES) * STRETCH_BYTES;
    for (let sample = first; sample < end; sample += STRETCH_BYTES) {
      const from = Math.max(sample, offset);
      const to = Math.min(sample + SAMPLE_BYTES, end);
      if (from < to) {
        this.#hash.update(bytes.subarray(from - offset, to - offset));
      }
    }
  }

  /** The SHA-256 of the samples so far, in hex. */
  get fingerprint(): string {
    return this.#hash.copy().digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
