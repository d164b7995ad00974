import type { Gpu } from "../gpu/gpu.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import { chosenIds } from "../kernels/sample.ts";
import type { LlamaConfig } from "./config.ts";
import type { Llama } from "./llama.ts";
import { MAX_CHUNK } from "./state.ts";

/** Bytes of a buffer that chosen ids are read back through. */
export const IDS_BYTES = 4 * MAX_CHUNK;

/** Bytes of the logits of so many rows. */
export function logitsBytes(
  { vocabularySize }: Pick<LlamaConfig, "vocabularySize">,
  rows: number,
): number {
  return 4 * rows * vocabularySize;
}

/** Reads back what the steps of one sequence come to. */
export class Results implements Disposable {
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #ids: Readback;
  // Logits are large, and few generations read them.
  #logits: Readback | undefined;
  #disposed = false;

  /**
   * Creates {@linkcode Results}.
   *
   * @param gpu The device.
   * @param llama The model.
   */
  constructor(gpu: Gpu, llama: Llama) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#ids = createReadback(gpu.device, {
      size: IDS_BYTES,
      sync: gpu.syncReadback,
    });
  }

  /** Bytes of GPU memory. */
  get bytes(): number {
    return this.#ids.buffer.size + (this.#logits?.buffer.size ?? 0);
  }

  /** Where chosen ids are copied to. */
  get idsBuffer(): GPUBuffer {
    return this.#ids.buffer;
  }

  /** Where logits are copied to. */
  get logitsBuffer(): GPUBuffer {
    return this.#logitsReadback().buffer;
  }

  /**
   * Waits for the ids that were chosen.
   *
   * @param count Of so many steps or rows.
   * @returns The ids, up to a wrong guess.
   * @throws {Error} If a logit was not a number.
   */
  async ids(count: number): Promise<number[]> {
    return chosenIds(await this.words(count));
  }

  /** Waits for so many words of what the kernels have chosen. */
  async words(count: number): Promise<Uint32Array> {
    return new Uint32Array(await this.#read(this.#ids, 4 * count));
  }

  /** Waits for the logits of so many rows, `[rows, vocabularySize]`. */
  async logits(rows: number): Promise<Float32Array> {
    const bytes = this.#logitsBytes(rows);
    return new Float32Array(await this.#read(this.#logitsReadback(), bytes));
  }

  /** Waits until all is done that was submitted. */
  async done(): Promise<void> {
    await this.#read(this.#ids, 4);
  }

  /** Frees the buffers; who waits gets an error. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#ids.buffer.destroy();
    this.#logits?.buffer.destroy();
  }

  #read(readback: Readback, bytes: number): Promise<ArrayBuffer> {
    const isDisposed = () => this.#disposed;
    return readBack(this.#gpu, readback, { bytes, isDisposed });
  }

  #logitsReadback(): Readback {
    const { state } = this.#llama;
    this.#logits ??= createReadback(this.#gpu.device, {
      size: this.#logitsBytes(state.headRows),
      sync: this.#gpu.syncReadback,
    });
    return this.#logits;
  }

  #logitsBytes(rows: number): number {
    return logitsBytes(this.#llama.config, rows);
  }
}

/**
 * Reads back what a model has computed.
 *
 * @param gpu The device.
 * @param readback Where it was copied to.
 * @param options How much of it, and whether the model is gone.
 * @returns The bytes.
 * @throws {Error} If the model is gone, or a command has failed.
 */
export async function readBack(
  { health }: Gpu,
  readback: Readback,
  { bytes, isDisposed }: { bytes: number; isDisposed: () => boolean },
): Promise<ArrayBuffer> {
  let data: ArrayBuffer;
  try {
    data = await readback.read(bytes);
  } catch (cause) {
    if (isDisposed()) throw disposedError();
    health.problem ??= cause instanceof Error ? cause.message : `${cause}`;
    throw new Error(`Cannot run the model: ${health.problem}`, { cause });
  }
  // Better no answer than one from a command that failed.
  if (health.problem !== undefined) {
    throw new Error(`Cannot run the model: ${health.problem}`);
  }
  return data;
}

/** The error of who uses a model that is gone. */
export function disposedError(): TypeError {
  return new TypeError("Cannot use model: it is disposed of");
}
