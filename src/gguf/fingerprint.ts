import { createHash } from "node:crypto";
import type { ByteRange, GgufFile } from "./reader.ts";
import type { ByteSource, SourcePart } from "./source.ts";

/** All of a file of up to so many bytes is taken. */
const WHOLE_BYTES = 64 * 2 ** 20;
/** Of each stretch of a tensor in a larger one these bytes, its first ones. */
const SAMPLE_BYTES = 256;
const STRETCH_BYTES = 4096;
/** Bytes of samples that are hashed at once, as a call costs more than 256. */
const PENDING_BYTES = 64 * 1024;
const HEADER_CHUNK_BYTES = 2 ** 20;

/**
 * A model's file that is told apart from others by its fingerprint: a SHA-256
 * of its size, of its header, and of tensor data as it is read.
 *
 * - The header counts whole: each hyperparameter, token and tensor's name.
 * - In a file of up to 64 MiB, so does each byte of a tensor that is read. Two
 *   such files have one fingerprint only where they are the same model.
 * - In a larger one, the first 256 bytes of each 4 KiB of a tensor count, from
 *   its start on, as hashing all of it would take a third of the time that
 *   loading takes. Another training, merge or quantization of all weights shows
 *   in them; a change that lies wholly between them does not.
 * - Tensors that are not read, and what lies between tensors, never count.
 *
 * It depends on the order in which tensor data is read, and not on how much is
 * at a time.
 */
export class FingerprintedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #hash = createHash("sha256");
  readonly #pending = new Uint8Array(PENDING_BYTES);
  #pendingBytes = 0;
  /** Where tensors start, in ascending order, once the header is taken. */
  #starts: readonly number[] | undefined;

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

  get parts(): readonly SourcePart[] | undefined {
    return this.#source.parts;
  }

  /**
   * Takes the header, or those of all parts. What is read from then on counts, and nothing before.
   *
   * @param file What the header says.
   */
  async takeHeader(
    { headers, tensors }: Pick<GgufFile, "headers" | "tensors">,
  ): Promise<void> {
    for (const header of headers) await this.#takeRange(header);
    this.#starts = Array.from(tensors.values(), ({ offset }) => offset)
      .sort((a, b) => a - b);
  }

  async readInto(bytes: Uint8Array, offset: number): Promise<void> {
    await this.#source.readInto(bytes, offset);
    if (this.#starts === undefined) return;
    if (this.size <= WHOLE_BYTES) this.#hash.update(bytes);
    else this.#takeSamples(bytes, offset, this.#starts);
  }

  async prepare(): Promise<void> {
    await this.#source.prepare?.();
  }

  /** The SHA-256 of what was taken so far, in hex. */
  get fingerprint(): string {
    const pending = this.#pending.subarray(0, this.#pendingBytes);
    return this.#hash.copy().update(pending).digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  async #takeRange({ offset, end }: ByteRange): Promise<void> {
    const last = Math.min(end, this.size);
    const chunk = new Uint8Array(Math.min(HEADER_CHUNK_BYTES, last - offset));
    for (let at = offset; at < last; at += chunk.length) {
      const bytes = chunk.subarray(0, last - at);
      await this.#source.readInto(bytes, at);
      this.#hash.update(bytes);
    }
  }

  #takeSamples(
    bytes: Uint8Array,
    offset: number,
    starts: readonly number[],
  ): void {
    const end = offset + bytes.length;
    let tensor = lastUpTo(starts, offset);
    for (let at = offset; at < end; tensor++) {
      const start = starts[tensor] ?? 0;
      const next = Math.min(end, starts[tensor + 1] ?? end);
      const first = at - (at - start) % STRETCH_BYTES;
      for (let sample = first; sample < next; sample += STRETCH_BYTES) {
        const from = Math.max(sample, at);
        const to = Math.min(sample + SAMPLE_BYTES, next);
        if (from < to) this.#take(bytes.subarray(from - offset, to - offset));
      }
      at = next;
    }
  }

  #take(sample: Uint8Array): void {
    if (this.#pendingBytes + sample.length > PENDING_BYTES) {
      this.#hash.update(this.#pending.subarray(0, this.#pendingBytes));
      this.#pendingBytes = 0;
    }
    this.#pending.set(sample, this.#pendingBytes);
    this.#pendingBytes += sample.length;
  }
}

/** Index of the last number that is not above another one, or -1. */
function lastUpTo(ascending: readonly number[], most: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= most) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
