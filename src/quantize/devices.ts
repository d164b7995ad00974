import { BufferPool } from "../gpu/buffers.ts";
import { type Gpu, requestGpu } from "../gpu/gpu.ts";
import { PACKABLE, SOURCES } from "../kernels/quantize/formats.ts";
import type { QuantizeChunk } from "./chunk.ts";
import { openGpuFormat } from "./gpu_format.ts";
import { type DeviceChoice, race } from "./race.ts";

/** What packs weights: the faster one, the GPU where it can, or the CPU. */
export type QuantizeDevice = "auto" | "gpu" | "cpu";

/** The devices that can be asked for. */
export const QUANTIZE_DEVICES: readonly QuantizeDevice[] = [
  "auto",
  "gpu",
  "cpu",
];

/** What packed the tensors of one format in another. */
export interface QuantizeDeviceUse {
  /** The format that they had. */
  readonly from: string;
  /** The format that they have. */
  readonly to: string;
  /** What packed them. */
  readonly device: "gpu" | "cpu";
  /** Why that, such as `"it is faster"`. */
  readonly reason: string;
  /** Weights a second on the GPU, where both were measured. */
  readonly gpuRate?: number;
  /** Weights a second on the CPU, where both were measured. */
  readonly cpuRate?: number;
  /** Blocks that the GPU left to the CPU, as they were huge or tiny. */
  readonly redoneBlocks: number;
}

/** Options for {@linkcode GpuChooser}. */
export interface GpuChooserOptions {
  /** What was asked for. */
  device: QuantizeDevice;
  /** Cores that the CPU's work is shared by. */
  workers: number;
  /** Weights that the GPU packs at once, at most. */
  weights: number;
  /** The device, which stays open. Defaults to one of its own. */
  gpu?: Gpu | undefined;
}

/** Chooses what packs each format. */
export class GpuChooser implements Disposable {
  readonly #options: GpuChooserOptions;
  #opened: Promise<Gpu> | undefined;
  #gpu: Gpu | undefined;
  readonly #pools: BufferPool[] = [];
  #isClosed = false;

  /**
   * Makes what chooses; the GPU is opened when it is needed.
   *
   * @param options What was asked for.
   */
  constructor(options: GpuChooserOptions) {
    this.#options = options;
  }

  /** The adapter's name, where one was opened. */
  get adapter(): string | undefined {
    return this.#gpu?.info.description;
  }

  /**
   * Chooses what packs a format, by a chunk of it that may be tried.
   *
   * @param chunk Some rows; they stay as they are.
   * @returns The choice.
   * @throws {Error} If the GPU was asked for and there is none.
   */
  async choose(chunk: QuantizeChunk): Promise<DeviceChoice> {
    const { device, workers, weights } = this.#options;
    const { from, to, importance } = chunk;
    if (device === "cpu") return onCpu("it was asked for");
    if (importance !== undefined) return onCpu("importance needs it");
    if (!SOURCES.has(from) || !PACKABLE.includes(to)) {
      return onCpu("the GPU has no kernel for it");
    }
    let format: Awaited<ReturnType<typeof openGpuFormat>>;
    try {
      const gpu = await this.#open();
      // One each, as a pool whose memory is refused loses all of it.
      const pool = new BufferPool(gpu.device);
      this.#pools.push(pool);
      format = await openGpuFormat({ gpu, pool }, { from, to, weights });
    } catch (error) {
      if (device === "gpu" && this.#gpu === undefined) throw error;
      return onCpu(error instanceof Error ? error.message : String(error));
    }
    if (format === undefined) return onCpu("the GPU has no kernel for it");
    if (format === "wrong") {
      return onCpu(`${this.adapter} does not pack it to the same bytes`);
    }
    const choice = device === "gpu"
      ? { format, reason: "it was asked for" }
      : await race(format, chunk, workers);
    format.redone = 0;
    return choice;
  }

  /** Frees the GPU's memory. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const pool of this.#pools) pool[Symbol.dispose]();
    if (this.#options.gpu === undefined) this.#gpu?.device.destroy();
  }

  async #open(): Promise<Gpu> {
    const own = this.#options.gpu;
    this.#opened ??= own === undefined ? requestGpu() : Promise.resolve(own);
    const gpu = await this.#opened;
    if (this.#isClosed) {
      if (own === undefined) gpu.device.destroy();
      throw new Error("Cannot quantize on the GPU: it was closed");
    }
    this.#gpu = gpu;
    return gpu;
  }
}

function onCpu(reason: string): DeviceChoice {
  return { format: undefined, reason };
}
