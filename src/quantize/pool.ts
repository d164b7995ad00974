import { type QuantizeChunk, quantizeChunk } from "./chunk.ts";
import { Decoder } from "./decode.ts";
import type { QuantizeReply, QuantizeRequest } from "./worker.ts";

/** Options for a {@linkcode QuantizePool}. */
export interface QuantizePoolOptions {
  /** How many workers; with 0 all is done in this thread. */
  workers: number;
  /** Stops all work. */
  signal?: AbortSignal | undefined;
}

type Job = ReturnType<typeof Promise.withResolvers<Uint8Array<ArrayBuffer>>>;

/** A worker, and what it has not answered yet. */
interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
}

/** Workers that quantize. They start as they are needed. */
export class QuantizePool implements Disposable {
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  readonly #members: Member[] = [];
  readonly #stop = () => this.#end(this.#signal!.reason);
  /** What this thread does where there are no workers. */
  readonly #decoder = new Decoder();
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;
  /** Why no job is possible any more. */
  #problem: unknown;

  /**
   * Makes a pool of workers.
   *
   * @param options How many, and interruption.
   */
  constructor({ workers, signal }: QuantizePoolOptions) {
    this.#size = workers;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
  }

  /**
   * Packs rows in another format.
   *
   * @param chunk The rows; their buffer is handed over.
   * @returns Their bytes.
   * @throws What {@linkcode quantizeChunk} throws; the signal's reason; what a
   * worker died of.
   */
  async run(chunk: QuantizeChunk): Promise<Uint8Array<ArrayBuffer>> {
    this.#signal?.throwIfAborted();
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#size === 0) return await this.#runHere(chunk);
    const job = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const { worker, jobs } = this.#idlest();
    const number = this.#count++;
    jobs.set(number, job);
    const request: QuantizeRequest = { job: number, chunk };
    worker.postMessage(request, [chunk.bytes.buffer]);
    return await job.promise;
  }

  /** Ends the workers. */
  [Symbol.dispose](): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    this.#end(new Error("Cannot quantize: the pool of workers was closed"));
  }

  /** Chunks share the decoder's memory: one waits for the other. */
  async #runHere(chunk: QuantizeChunk): Promise<Uint8Array<ArrayBuffer>> {
    const packed = this.#last.then(() => quantizeChunk(chunk, this.#decoder));
    this.#last = packed.catch(() => {});
    return await packed;
  }

  /** The worker with the fewest jobs, a new one where all have some. */
  #idlest(): Member {
    const [first] = this.#members.toSorted((a, b) => a.jobs.size - b.jobs.size);
    const isFree = first !== undefined && first.jobs.size === 0;
    if (isFree || this.#members.length === this.#size) return first!;
    const member = this.#start();
    this.#members.push(member);
    return member;
  }

  #start(): Member {
    const url = new URL("./worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module", name: "quantize" });
    const jobs = new Map<number, Job>();
    worker.onmessage = ({ data }: MessageEvent<QuantizeReply>) => {
      const job = jobs.get(data.job);
      jobs.delete(data.job);
      if (data.bytes !== undefined) job?.resolve(data.bytes);
      else job?.reject(data.error);
    };
    worker.onmessageerror = () => {
      this.#end(new Error("Cannot quantize: a worker's reply cannot be read"));
    };
    worker.onerror = (event) => {
      event.preventDefault(); // or it ends the program
      this.#end(new Error(`Cannot quantize: a worker ended: ${event.message}`));
    };
    return { worker, jobs };
  }

  #end(problem: unknown): void {
    this.#problem ??= problem;
    for (const { worker, jobs } of this.#members) {
      worker.terminate();
      for (const job of jobs.values()) job.reject(problem);
      jobs.clear();
    }
    this.#members.length = 0;
  }
}
