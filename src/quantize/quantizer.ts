import { blockFormatByName } from "../gguf/formats.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { QuantizeChunk } from "./chunk.ts";
import {
  GpuChooser,
  type QuantizeDevice,
  type QuantizeDeviceUse,
} from "./devices.ts";
import { GpuPackError } from "./gpu_format.ts";
import { QuantizePool } from "./pool.ts";
import type { DeviceChoice } from "./race.ts";

/** Options for a {@linkcode Quantizer}. */
export interface QuantizerOptions {
  /** What packs weights. */
  device: QuantizeDevice;
  /** Workers that share the CPU's work; with 0 this thread does it. */
  workers: number;
  /** Weights that are to be packed in all. */
  weights: number;
  /** Stops all work. */
  signal?: AbortSignal | undefined;
  /** The GPU, which stays open. Defaults to one of its own. */
  gpu?: Gpu | undefined;
}

/** Weights of a chunk on the CPU, about. */
const CPU_WEIGHTS = 2 ** 19;
/** Weights of a chunk on the GPU. */
const GPU_WEIGHTS = 2 ** 22;
/** Weights of a chunk that a choice can be made by. */
const LEAST_WEIGHTS = 2 ** 18;
/** Weights in all that make a choice worth its time, a second or some. */
const LEAST_TOTAL = 2 ** 26;
/** Chunks that are in work at a time: of each worker, and on the GPU. */
const CPU_AHEAD = 2;
const GPU_AHEAD = 2;

/** A format in another, and what packs it. */
interface Known {
  readonly from: string;
  readonly to: string;
  readonly choosing: Promise<DeviceChoice>;
  /** The choice; `undefined` until it is made. */
  choice?: DeviceChoice;
}

/** Packs chunks on the GPU, or in workers. */
export class Quantizer implements Disposable {
  readonly #pool: QuantizePool;
  readonly #chooser: GpuChooser;
  readonly #device: QuantizeDevice;
  /** Whether there is too little to do for a choice. */
  readonly #isOnCpu: boolean;
  readonly #workers: number;
  readonly #signal: AbortSignal | undefined;
  readonly #known = new Map<string, Known>();

  /**
   * Makes what packs chunks.
   *
   * @param options Device, workers and interruption.
   */
  constructor(
    { device, workers, weights, signal, gpu }: QuantizerOptions,
  ) {
    this.#pool = new QuantizePool({ workers, signal });
    this.#chooser = new GpuChooser({
      device,
      workers,
      gpu,
      weights: GPU_WEIGHTS,
    });
    this.#isOnCpu = device === "auto" && weights < LEAST_TOTAL;
    this.#device = device;
    this.#workers = workers;
    this.#signal = signal;
  }

  /** The adapter's name, where a GPU was opened. */
  get adapter(): string | undefined {
    return this.#chooser.adapter;
  }

  /** What packed each format. */
  get uses(): QuantizeDeviceUse[] {
    return [...this.#known.values()].flatMap(({ from, to, choice }) =>
      choice === undefined ? [] : [{
        from,
        to,
        device: choice.format === undefined ? "cpu" : "gpu",
        reason: choice.reason,
        ...(choice.rates &&
          { gpuRate: choice.rates.gpu, cpuRate: choice.rates.cpu }),
        redoneBlocks: choice.format?.redone ?? 0,
      }]
    );
  }

  /**
   * How a format's chunks are cut.
   *
   * @param chunk The chunk's formats and importance.
   * @returns Weights of a chunk, about, and how many may be in work at a time.
   */
  sizes(chunk: Pick<QuantizeChunk, "from" | "to" | "importance">) {
    return this.#known.get(keyOf(chunk))?.choice?.format === undefined
      ? { weights: CPU_WEIGHTS, ahead: Math.max(1, CPU_AHEAD * this.#workers) }
      : { weights: GPU_WEIGHTS, ahead: GPU_AHEAD };
  }

  /**
   * Packs rows in another format.
   *
   * @param chunk The rows; their buffer is handed over.
   * @returns Their bytes.
   * @throws What {@linkcode QuantizePool.run} throws; an `Error` if the GPU was
   * asked for and there is none.
   */
  async run(chunk: QuantizeChunk): Promise<Uint8Array<ArrayBuffer>> {
    this.#signal?.throwIfAborted();
    const known = this.#knownOf(chunk);
    if (known === undefined) return await this.#pool.run(chunk);
    known.choice ??= await known.choosing;
    this.#signal?.throwIfAborted();
    const { format } = known.choice;
    // A row alone may be more than the GPU has room for.
    if (format === undefined || weightsOf(chunk) > GPU_WEIGHTS) {
      return await this.#pool.run(chunk);
    }
    try {
      return await format.run(chunk);
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof GpuPackError)) throw error;
      known.choice = { format: undefined, reason: error.message };
      return await this.#pool.run(chunk);
    }
  }

  /** Ends the workers, and frees the GPU's memory. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
    this.#chooser[Symbol.dispose]();
  }

  #knownOf(chunk: QuantizeChunk): Known | undefined {
    if (this.#isOnCpu) return undefined;
    const key = keyOf(chunk);
    let known = this.#known.get(key);
    if (known === undefined) {
      const isSmall = weightsOf(chunk) < LEAST_WEIGHTS;
      if (this.#device === "auto" && isSmall) return undefined;
      const { from, to } = chunk;
      known = { from, to, choosing: this.#chooser.choose(chunk) };
      this.#known.set(key, known);
    }
    return known;
  }
}

function keyOf(
  { from, to, importance }: Pick<QuantizeChunk, "from" | "to" | "importance">,
): string {
  return `${from} ${to} ${importance !== undefined}`;
}

function weightsOf({ bytes, from }: QuantizeChunk): number {
  const format = blockFormatByName(from)!;
  return bytes.length / format.bytes * format.blockSize;
}
