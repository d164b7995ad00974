import { basename } from "node:path";
import { openFiles } from "../engine/load.ts";
import type { LoadModelOptions } from "../engine/load_options.ts";
import { Model } from "../engine/model.ts";
import type { ModelInput } from "../sources/input.ts";
import { Connection } from "./connection.ts";
import { keepStream, STREAM_LABEL } from "../sources/stream.ts";
import { buffersOf, packDownload, packInput, packLoadOptions } from "./send.ts";
import { WorkerEngine } from "./worker_engine.ts";

/**
 * Loads what `loadModel()` makes a model of, in a worker of its own. The text
 * side of it, tokenizer and template, stays in this thread.
 *
 * @param input The model; bytes are copied.
 * @param options How to load it.
 * @returns The model, which ends its worker when it is disposed of.
 * @throws {Error} As in this thread, or if a worker may not be started; none
 * stays.
 */
export async function loadInWorker(
  input: ModelInput,
  options: LoadModelOptions,
): Promise<Model> {
  const start = performance.now();
  const { signal, onProgress, download } = options;
  signal?.throwIfAborted();
  checkPermission();
  await using stack = new AsyncDisposableStack();
  const keep = async (input: ModelInput) => {
    // It can be read once, and is read in both threads.
    if (!(input instanceof ReadableStream)) return input;
    return stack.use(await keepStream(input, { ...download, signal })).path;
  };
  const model = await keep(input);
  const draft = options.draft && await keep(options.draft);
  const connection = new Connection();
  try {
    // While the worker starts; what is wrong with them is found here.
    await using files = await openFiles(model, { ...options, draft });
    const { template, main: { tokenizer } } = files;
    // Of a stream that was kept in a file, the file's name says nothing.
    const isKept = model !== input && files.name === basename(String(model));
    const name = isKept ? STREAM_LABEL : files.name;
    const work = {
      kind: "load",
      input: packInput(model),
      draft: draft && packInput(draft),
      options: packLoadOptions(options),
      download: packDownload(download),
    } as const;
    const buffers = buffersOf(work.input, work.draft);
    const callbacks = {
      signal,
      onProgress,
      onDownload: download?.onProgress,
    };
    const facts = await connection.call(work, callbacks, buffers);
    const loadMs = performance.now() - start;
    const engine = new WorkerEngine(connection, facts, loadMs);
    return new Model({ engine, tokenizer, template, name });
  } catch (error) {
    connection.terminate(new Error("The model was not loaded"));
    throw error;
  }
}

/** A worker reads its modules anew, which Deno counts as reading files. */
function checkPermission(): void {
  const path = new URL("../", import.meta.url);
  if (path.protocol !== "file:" || globalThis.Deno === undefined) return;
  const { state } = Deno.permissions.requestSync({ name: "read", path });
  if (state === "granted") return;
  throw new Error(
    `Cannot load model in a worker: no permission to read "${path.pathname}", run Deno with --allow-read`,
  );
}
