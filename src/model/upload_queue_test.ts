import { assertEquals, assertRejects } from "@std/assert";
import { UploadQueue } from "./upload_queue.ts";

const MIB = 2 ** 20;

/** A queue whose work is done when it is told so. */
function fakeQueue() {
  const asked: PromiseWithResolvers<undefined>[] = [];
  const queue = {
    onSubmittedWorkDone() {
      const done = Promise.withResolvers<undefined>();
      asked.push(done);
      return done.promise;
    },
  };
  return { queue: queue as unknown as GPUQueue, asked };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("UploadQueue has two windows on their way at most", async () => {
  const { queue, asked } = fakeQueue();
  const queued = new UploadQueue(queue);
  let added = 0;
  const adding = (async () => {
    for (let i = 0; i < 40; i++) {
      await queued.add(8 * MIB);
      added += 8 * MIB;
    }
    await queued.finish();
  })();
  let done = 0;
  for (let i = 0; done < 320 * MIB; i++) {
    await settle();
    // What was written and is not done yet, the chunk that waits included.
    const written = Math.min(320 * MIB, added + 8 * MIB);
    assertEquals(written - done <= UploadQueue.mostBytes(8 * MIB), true);
    asked[i]!.resolve(undefined);
    done = 64 * MIB * (i + 1);
  }
  await settle();
  for (const { resolve } of asked) resolve(undefined);
  await adding;
  assertEquals(asked.length, 6);
});

Deno.test("UploadQueue.finish() waits for all of it, and throws what went wrong", async () => {
  const { queue, asked } = fakeQueue();
  const queued = new UploadQueue(queue);
  await queued.add(1);
  let finished = false;
  const finishing = queued.finish().finally(() => finished = true);
  await settle();
  assertEquals([asked.length, finished], [1, false]);
  asked[0]!.reject(new Error("the device is lost"));
  await assertRejects(() => finishing, Error, "the device is lost");
});

Deno.test("UploadQueue keeps what waits under 256 MiB", () => {
  assertEquals(UploadQueue.mostBytes(16 * MIB) < 256 * MIB, true);
});
