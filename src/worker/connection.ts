import { Call, type CallOptions } from "./call.ts";
import type {
  Work,
  WorkerReply,
  WorkerRequest,
  WorkResults,
} from "./messages.ts";
import { endThread, startThread } from "./thread.ts";

/** This thread's end: a worker, and the calls that it is at. */
export class Connection implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call<Work["kind"]>>();
  #count = 0;
  #gpuBytes = 0;
  /** Why no call is possible any more. */
  #problem: Error | undefined;

  /** Starts a worker. */
  constructor() {
    this.#worker = startThread();
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      this.#gpuBytes = data.gpuBytes;
      this.#calls.get(data.call)?.receive(data);
      const isLast = data.kind === "end" || data.kind === "error";
      if (isLast) this.#calls.delete(data.call);
    };
    this.#worker.onmessageerror = () => {
      this.terminate(
        new Error("Cannot run the model: a reply of its worker cannot be read"),
      );
    };
    this.#worker.onerror = (event) => {
      event.preventDefault(); // or it ends the program
      this.terminate(
        new Error(`Cannot run the model: its worker ended: ${event.message}`),
      );
    };
  }

  /** Bytes of GPU memory in use, as of the last reply. */
  get gpuBytes(): number {
    return this.#gpuBytes;
  }

  /**
   * Starts a call.
   *
   * @param work What is to be done.
   * @param options Interruption and progress.
   * @param transfer Buffers that are handed over.
   * @returns The call, to be disposed of where it is not read to its end.
   * @throws The signal's reason, where it is aborted already; what the worker
   * died of.
   */
  open<W extends Work>(
    work: W,
    options: CallOptions = {},
    transfer: Transferable[] = [],
  ): Call<W["kind"]> {
    options.signal?.throwIfAborted();
    if (this.#problem !== undefined) throw this.#problem;
    const number = this.#count++;
    const post = (request: WorkerRequest) => this.#worker.postMessage(request);
    const message: WorkerRequest = { call: number, kind: "start", work };
    this.#worker.postMessage(message, transfer);
    const call = new Call<W["kind"]>(
      (request) => post({ call: number, ...request }),
      options,
    );
    this.#calls.set(number, call as Call<Work["kind"]>);
    return call;
  }

  /** Starts a call and waits for its result. */
  async call<W extends Work>(
    work: W,
    options?: CallOptions,
    transfer?: Transferable[],
  ): Promise<WorkResults[W["kind"]]> {
    return await this.open(work, options, transfer).result();
  }

  /** Frees the model and ends the worker; calls under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#problem !== undefined) return;
    const problem = new TypeError("Cannot use model: it is disposed of");
    this.#failAll(problem);
    const freed = this.call({ kind: "dispose" });
    this.#problem = problem;
    await freed.catch(() => {}); // it may die, which frees all as well
    this.terminate(problem);
  }

  /** Ends the worker at once, whatever it is at. */
  terminate(problem: Error): void {
    this.#problem ??= problem;
    this.#gpuBytes = 0;
    endThread(this.#worker);
    this.#failAll(problem);
  }

  #failAll(problem: Error): void {
    for (const call of this.#calls.values()) call.fail(problem);
    this.#calls.clear();
  }
}
