import { assertEquals, assertGreater } from "@std/assert";
import { madeIds, makeModel } from "../../tests/models.ts";
import { EngineHost } from "./host.ts";
import type { Work, WorkerReply } from "./messages.ts";

/** A host in this thread, and what it has replied. */
function startHost() {
  const replies: WorkerReply[] = [];
  let wake = () => {};
  const host = new EngineHost((reply) => {
    replies.push(structuredClone(reply));
    wake();
  });
  const chunksOf = (call: number) =>
    replies.filter((one) => one.call === call && one.kind === "chunk").length;
  const start = (call: number, work: Work) =>
    host.receive({ call, kind: "start", work });
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  const end = async (call: number) => {
    const find = () =>
      replies.find((one) =>
        one.call === call && (one.kind === "end" || one.kind === "error")
      );
    await until(() => find() !== undefined);
    return find()!;
  };
  return { host, replies, chunksOf, start, until, end };
}

const LOAD: Work = {
  kind: "load",
  input: makeModel({ contextLength: 128 }),
  draft: undefined,
  options: { batchSize: 16 },
};

/** Long enough for some chunks of a model as small as this. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

Deno.test("EngineHost computes one chunk ahead of its reader, and no more", async () => {
  const { host, start, end, until, chunksOf } = startHost();
  start(0, LOAD);
  const { gpuBytes } = await end(0);
  assertGreater(gpuBytes, 0);
  const options = { maxTokens: 100, steps: 1 };
  start(1, { kind: "generate", ids: [1, 5], options });
  for (const wanted of [1, 2, 3]) {
    if (wanted > 1) host.receive({ call: 1, kind: "more" });
    await until(() => chunksOf(1) > wanted);
    await pause();
    assertEquals(chunksOf(1), wanted + 1);
  }
  host.receive({ call: 1, kind: "stop" });
  await end(1);
  assertEquals(chunksOf(1), 4);

  // Nor does it while it waits for nobody.
  start(2, { kind: "generate", ids: [1, 6], options });
  await until(() => chunksOf(2) === 1);
  host.receive({ call: 2, kind: "stop" });
  assertEquals((await end(2)).gpuBytes, gpuBytes);
  assertEquals(chunksOf(2), 1);

  start(3, { kind: "dispose" });
  assertEquals((await end(3)).gpuBytes, 0);
});

Deno.test("EngineHost says that it has no model, and stops what is not there", async () => {
  const { host, start, end, replies } = startHost();
  host.receive({ call: 0, kind: "stop" });
  host.receive({ call: 1, kind: "more" });
  start(2, { kind: "score", ids: madeIds(3), options: {} });
  assertEquals((await end(2)).kind, "error");
  assertEquals(replies.length, 1);
});
