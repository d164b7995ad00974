/**
 * The thread of `fuzz_headers.ts` that reads broken files: the other one sees
 * how long each takes, even where it never ends.
 *
 * @module
 */
import { makeCase, type Outcome, tryLoad } from "./fuzz_format.ts";
import { FUZZ_FORMATS } from "./fuzz_formats.ts";

/** What the worker is to do. */
export interface FuzzTask {
  /** Name of the format. */
  format: string;
  /** Where chance starts. */
  seed: number;
  /** Number of the first case. */
  first: number;
  /** The number behind that of the last. */
  end: number;
}

/** What the worker tells. */
export type FuzzReport =
  | { kind: "start"; index: number }
  | { kind: "end"; index: number; outcome: Outcome; ms: number }
  | { kind: "failure"; index: number; problem: string; bytes: Uint8Array }
  | { kind: "done" };

const scope = self as unknown as {
  onmessage: (event: MessageEvent<FuzzTask>) => void;
  postMessage(report: FuzzReport): void;
};

scope.onmessage = async ({ data: { format: name, seed, first, end } }) => {
  const format = FUZZ_FORMATS.find((format) => format.name === name)!;
  const seeds = await format.seeds();
  for (let index = first; index < end; index++) {
    const bytes = await makeCase(format, seeds, { seed, index });
    scope.postMessage({ kind: "start", index });
    const start = performance.now();
    try {
      const outcome = await tryLoad(format, bytes);
      const ms = performance.now() - start;
      scope.postMessage({ kind: "end", index, outcome, ms });
    } catch (error) {
      const problem = error instanceof Error
        ? error.stack ?? error.message
        : String(error);
      scope.postMessage({ kind: "failure", index, problem, bytes });
    }
  }
  scope.postMessage({ kind: "done" });
};
