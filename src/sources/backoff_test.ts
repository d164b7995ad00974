import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { Backoff, retry, retryAfterMs } from "./backoff.ts";
import { TransferError } from "./errors.ts";

const OPTIONS = { label: "m", retryMs: 1, attempts: 3 };

Deno.test("retry() tries again when another attempt may succeed", async () => {
  let count = 0;
  const value = await retry(() => {
    count++;
    return count < 3
      ? Promise.reject(new TransferError("it broke"))
      : Promise.resolve(7);
  }, OPTIONS);
  assertEquals([value, count], [7, 3]);
});

Deno.test("retry() says what was tried when it gives up", async () => {
  let count = 0;
  await assertRejects(
    () =>
      retry(() => {
        count++;
        return Promise.reject(new TransferError("it broke"));
      }, OPTIONS),
    Error,
    'Cannot download "m": it broke, after 3 attempts',
  );
  assertEquals(count, 3);
  count = 0;
  await assertRejects(
    () => retry(() => Promise.reject(new Error(`${count++}`)), OPTIONS),
    Error,
    "0",
  );
});

Deno.test("wait() counts from the beginning after progress", async () => {
  const backoff = new Backoff(OPTIONS);
  for (let i = 0; i < 10; i++) {
    await backoff.wait(new TransferError("it broke"));
    backoff.reset();
  }
});

Deno.test("wait() waits although a server says that nobody has to", async () => {
  const options = { ...OPTIONS, retryMs: 10, attempts: 6 };
  const backoff = new Backoff(options);
  const start = performance.now();
  for (let i = 1; i < options.attempts; i++) {
    await backoff.wait(new TransferError("later", { waitMs: 0 }));
  }
  assert(performance.now() - start > 10);
});

Deno.test("wait() ends at once when it is aborted", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const backoff = new Backoff({ ...OPTIONS, signal });
  const start = performance.now();
  setTimeout(() => controller.abort(new Error("enough")), 10);
  await assertRejects(
    () => backoff.wait(new TransferError("later", { waitMs: 60_000 })),
    Error,
    "enough",
  );
  assertLess(performance.now() - start, 1000);
});

Deno.test("retryAfterMs() reads seconds and dates", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  assertEquals(retryAfterMs("120", now), 120_000);
  assertEquals(retryAfterMs("Tue, 01 Jan 2030 00:00:05 GMT", now), 5000);
  assertEquals(retryAfterMs("Mon, 31 Dec 2029 00:00:05 GMT", now), 0);
  assertEquals(retryAfterMs("soon", now), undefined);
  assert(retryAfterMs(null) === undefined);
});
