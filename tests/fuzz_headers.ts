/**
 * Breaks the headers of files, and sees that each is read or refused: no crash,
 * no second of waiting, no 500 MB of memory, no error that is not ours.
 *
 *     deno run -A tests/fuzz_headers.ts [COUNT] [SEED] [FORMAT]
 *
 * Cases are spread over the formats. Of one that fails the bytes are saved, and
 * `COUNT SEED FORMAT` make it again. The short version runs with the tests.
 *
 * @module
 */
import { makeCase } from "./fuzz_format.ts";
import { FUZZ_FORMATS } from "./fuzz_formats.ts";
import type { FuzzReport, FuzzTask } from "./fuzz_worker.ts";

const MAX_MS = 1000;
const MAX_BYTES = 500e6;
const POLL_MS = 25;

/** What became of the cases of one format. */
interface Summary {
  read: number;
  refused: number;
  failed: number;
  slowestMs: number;
}

/** Runs the cases of one format, and goes on behind those that fail. */
async function runFormat(task: FuzzTask): Promise<Summary> {
  const summary = { read: 0, refused: 0, failed: 0, slowestMs: 0 };
  for (let first = task.first; first < task.end;) {
    first = await runFrom({ ...task, first }, summary);
  }
  return summary;
}

/** Runs cases until one hangs; gives the number of the next one. */
function runFrom(task: FuzzTask, summary: Summary): Promise<number> {
  const worker = new Worker(import.meta.resolve("./fuzz_worker.ts"), {
    type: "module",
  });
  let current: { index: number; start: number } | undefined;
  return new Promise((resolve, reject) => {
    const stop = (next: number) => {
      clearInterval(poll);
      worker.terminate();
      resolve(next);
    };
    const fail = (index: number, problem: string, bytes?: Uint8Array) => {
      summary.failed++;
      print(`${task.format} ${index}: ${problem}`);
      save(task, index, bytes).then((path) => print(`saved as ${path}`));
    };
    const poll = setInterval(() => {
      // As long again for what the system does beside it.
      if (!current || performance.now() - current.start < 2 * MAX_MS) return;
      fail(current.index, "it hangs");
      stop(current.index + 1);
    }, POLL_MS);
    worker.onerror = (event) => {
      clearInterval(poll);
      reject(new Error(`Cannot run cases: the worker says ${event.message}`));
    };
    worker.onmessage = ({ data }: MessageEvent<FuzzReport>) => {
      if (data.kind === "done") return stop(task.end);
      const { index } = data;
      if (data.kind === "start") {
        current = { index, start: performance.now() };
        return;
      }
      current = undefined;
      if (data.kind === "failure") {
        return fail(index, data.problem, data.bytes);
      }
      summary[data.outcome]++;
      summary.slowestMs = Math.max(summary.slowestMs, data.ms);
      if (data.ms > MAX_MS) fail(index, `it took ${data.ms.toFixed(0)} ms`);
    };
    worker.postMessage(task);
  });
}

async function save(
  { format: name, seed }: FuzzTask,
  index: number,
  given?: Uint8Array,
): Promise<string> {
  const format = FUZZ_FORMATS.find((format) => format.name === name)!;
  const bytes = given ??
    await makeCase(format, await format.seeds(), { seed, index });
  const path = await Deno.makeTempFile({ prefix: `fuzz-${seed}-${index}-` });
  await Deno.writeFile(path, bytes);
  return path;
}

/** The most memory that the process has had, in bytes. */
function peakBytes(): number {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
  } catch {
    return Deno.memoryUsage().rss; // elsewhere what it has now
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const [count = "10000", seed = "1", only] = Deno.args;
  const formats = FUZZ_FORMATS.filter(({ name }) => (only ?? name) === name);
  const end = Math.ceil(Number(count) / formats.length);
  let failed = 0;
  for (const { name: format } of formats) {
    const task = { format, seed: Number(seed), first: 0, end };
    const { slowestMs, ...summary } = await runFormat(task);
    failed += summary.failed;
    print(
      `${format}: ${summary.read} read, ${summary.refused} refused, ` +
        `${summary.failed} failed, the slowest ${slowestMs.toFixed(0)} ms`,
    );
  }
  const peak = peakBytes();
  print(`peak memory ${(peak / 1e6).toFixed(0)} MB`);
  if (formats.length === 0 || failed > 0 || peak > MAX_BYTES) Deno.exit(1);
}
