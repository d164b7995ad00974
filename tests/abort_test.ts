import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  diagnose,
  inspectModel,
  loadModel,
  loadTokenizer,
  renderChat,
} from "../mod.ts";
import { watchDevices } from "./devices.ts";
import { projectFile } from "./engine.ts";

const ARCHANGEL = projectFile("models/tiny-archangel-q8_0.gguf");
const MESSAGES = [{ role: "user", content: "Hi" }] as const;
const tokenizer = await loadTokenizer(ARCHANGEL);
const template = "{{ messages[0]['content'] }}";

/** What reads no weights; what does has tests of its own. */
const CALLS: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  inspectModel: (signal) => inspectModel(ARCHANGEL, { signal }),
  loadTokenizer: (signal) => loadTokenizer(ARCHANGEL, { signal }),
  loadModel: (signal) => loadModel(ARCHANGEL, { signal }),
  "loadModel in a worker": (signal) =>
    loadModel(ARCHANGEL, { signal, worker: true }),
  diagnose: (signal) => diagnose({ signal }),
  renderChat: (signal) =>
    renderChat(tokenizer, MESSAGES, {
      format: "template",
      template,
      contextLength: 100,
      signal,
    }),
};

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name} throws the reason of a signal that is aborted before`, async () => {
    const reason = new Error("no need");
    const thrown = await assertRejects(() => call(AbortSignal.abort(reason)));
    assertStrictEquals(thrown, reason);
  });

  Deno.test(`${name} stops when its signal is aborted meanwhile`, async () => {
    const controller = new AbortController();
    const reason = { why: "changed my mind" };
    const destroyed = await watchDevices(async () => {
      const called = call(controller.signal).then(() => "it went on", (e) => e);
      controller.abort(reason);
      assertStrictEquals(await called, reason);
    });
    assertEquals(destroyed.filter((is) => !is), []);
  });
}

Deno.test("diagnose() stops between two kernels", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const { signal } = controller;
  const destroyed = await watchDevices(() =>
    assertRejects(() => diagnose({ signal }), DOMException)
  );
  assertEquals(destroyed, [true]);
});
