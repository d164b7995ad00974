import { assert, assertEquals, assertRejects } from "@std/assert";
import { sample } from "./sample.ts";
import type { Timer } from "./timer.ts";

/** A timer of work that takes `each` seconds, and keeps account. */
function fakeTimer(each: number, overhead = 0) {
  const counts: number[] = [];
  const timer: Timer = {
    method: "submits",
    overhead,
    time(record, count) {
      record({} as GPUComputePassEncoder, count);
      counts.push(count);
      return Promise.resolve(overhead + each * count);
    },
    [Symbol.dispose]() {},
  };
  return { timer, counts };
}

const nothing = () => {};

Deno.test("sample() fills the time with short work many times a pass", async () => {
  const { timer, counts } = fakeTimer(1e-5);
  const options = { repetitions: 10, seconds: 0.1 };
  const { seconds, samples, dispatches } = await sample(
    timer,
    nothing,
    options,
  );
  assertEquals([counts[0], samples], [1, 10]);
  assert(dispatches >= 500 && dispatches <= 1000, `${dispatches} dispatches`);
  assertEquals(counts.slice(-10), Array(10).fill(dispatches));
  assert(Math.abs(seconds.median / 1e-5 - 1) < 1e-9);
  // The way there takes little more time than the samples themselves.
  assert(counts.slice(0, -10).reduce((sum, n) => sum + n) * 1e-5 < 0.05);
});

Deno.test("sample() takes three samples when the work takes longer than there is time", async () => {
  const { timer, counts } = fakeTimer(2);
  const { samples, dispatches } = await sample(timer, nothing, {
    repetitions: 10,
    seconds: 0.1,
  });
  assertEquals([samples, dispatches], [3, 1]);
  assertEquals(counts, [1, 1, 1, 1, 1]);
});

Deno.test("sample() loses what the timer takes in what it measures", async () => {
  const { timer } = fakeTimer(1e-4, 0.01);
  const { seconds, dispatches } = await sample(timer, nothing, {
    repetitions: 10,
    seconds: 0.1,
  });
  assert(dispatches >= 900, `${dispatches} dispatches`);
  assert(seconds.median < 1.15e-4, `${seconds.median} seconds`);
});

Deno.test("sample() ends when work of no time has been recorded often enough", async () => {
  const { timer } = fakeTimer(0);
  const { dispatches, samples } = await sample(timer, nothing, {
    repetitions: 4,
    seconds: 0.1,
  });
  assertEquals([dispatches, samples], [2048, 4]);
});

Deno.test("sample() stops between two samples when its signal aborts", async () => {
  const { timer, counts } = fakeTimer(1);
  const controller = new AbortController();
  const promise = sample(timer, () => {
    if (counts.length === 2) controller.abort(new Error("enough"));
  }, { repetitions: 10, seconds: 100, signal: controller.signal });
  await assertRejects(() => promise, Error, "enough");
  assertEquals(counts.length, 3);
});
