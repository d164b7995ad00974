import { type QuantizeChunk, quantizeChunk } from "./chunk.ts";
import { Decoder } from "./decode.ts";

/** What a worker is asked. */
export interface QuantizeRequest {
  /** Number of the job. */
  readonly job: number;
  /** What is to be done. */
  readonly chunk: QuantizeChunk;
}

/** What a worker answers. */
export interface QuantizeReply {
  /** Number of the job. */
  readonly job: number;
  /** The bytes, if it could be done. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** What went wrong, if not. */
  readonly error?: Error;
}

/** This thread as a worker sees it; the DOM's types stand for a window. */
interface Scope {
  onmessage: ((event: MessageEvent<QuantizeRequest>) => void) | null;
  postMessage(reply: QuantizeReply, transfer?: Transferable[]): void;
}

const scope = self as unknown as Scope;
const decoder = new Decoder();
/** Chunks share the decoder's memory: one waits for the other. */
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

async function answer({ job, chunk }: QuantizeRequest): Promise<void> {
  try {
    const bytes = await quantizeChunk(chunk, decoder);
    scope.postMessage({ job, bytes }, [bytes.buffer]);
  } catch (error) {
    scope.postMessage({
      job,
      error: error instanceof Error ? error : new Error(String(error)),
    });
  }
}
