// What tests/telemetry_test.ts runs in a process of its own, with telemetry on.

import { trace } from "@opentelemetry/api";
import { loadModel } from "../mod.ts";
import { projectFile } from "./engine.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const tracer = trace.getTracer("test");

/** Runs something with a span around it. */
function within(name: string, run: () => Promise<void>): Promise<void> {
  return tracer.startActiveSpan(name, async (span) => {
    await run();
    span.end();
  });
}

const worker = Deno.args.includes("--worker");
await within("program", async () => {
  await using model = await loadModel(STORIES, { worker });
  const options = { maxTokens: 6, temperature: 0.5, seed: 7 };

  // Asked for in one span, read in another one, beside a third.
  const asked = model.generate("One day", options);
  await within("elsewhere", async () => {
    const other = model.chat([{ role: "user", content: "Hi" }], options);
    await Promise.all([Array.fromAsync(asked), other.result()]);
  });
  await within("left", async () => {
    for await (const _ of model.generate("One day", options)) break;
  });
  await within("aborted", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const generation = model.generate("One day", { ...options, signal });
    const read = async () => {
      for await (const _ of generation) controller.abort(new RangeError("no"));
    };
    await read().catch(() => {});
  });
  model.generate("never read");
});
await loadModel("missing.gguf").catch(() => {});
