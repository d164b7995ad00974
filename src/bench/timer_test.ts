import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../gpu/buffers.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { createChains } from "./loads.ts";
import {
  agrees,
  createSubmitTimer,
  createTimer,
  createTimestampTimer,
  type Recorder,
  type Timer,
} from "./timer.ts";

/** Holds the thread as long as a GPU would. */
function wait(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** A timer of 10 ms each whose clock runs at another speed. */
function fakeTimer(speed: (seconds: number) => number): Pick<Timer, "time"> {
  return {
    time(_record, count) {
      wait(10 * count);
      return Promise.resolve(speed(count / 100));
    },
  };
}

const nothing: Recorder = () => {};

Deno.test("agrees() holds for a clock that is right but for a constant", async () => {
  assertEquals(await agrees(fakeTimer((s) => s), nothing), true);
  assertEquals(await agrees(fakeTimer((s) => s + 3), nothing), true);
});

Deno.test("agrees() does not hold for a clock of other units, or none", async () => {
  for (const speed of [52.08, 0.5, 0, NaN]) {
    const timer = fakeTimer((s) => s * speed);
    assertEquals(await agrees(timer, nothing), false, String(speed));
  }
});

for (const timestamps of [true, false]) {
  gpuTest(
    `createTimer() sees more work take longer (timestamps ${timestamps})`,
    async (gpu) => {
      using pool = new BufferPool(gpu.device);
      const { record } = await createChains({ gpu, pool }, "fma", 64);
      using timer = await createTimer(gpu, { load: record, timestamps });
      if (!timestamps) assertEquals(timer.method, "submits");
      assert(timer.overhead >= 0);
      let [few, many] = [Infinity, Infinity];
      for (let i = 0; i < 3; i++) {
        few = Math.min(few, await timer.time(record, 1));
        many = Math.min(many, await timer.time(record, 16));
      }
      assert(many > 2 * few, `1: ${few} s, 16: ${many} s`);
      await pool.check("the test");
    },
  );
}

gpuTest(
  "createTimestampTimer() and createSubmitTimer() record as often as told",
  async (gpu) => {
    const counts: number[] = [];
    const record: Recorder = (_pass, count) => void counts.push(count);
    using submits = await createSubmitTimer(gpu);
    await submits.time(record, 7);
    if (gpu.device.features.has("timestamp-query")) {
      using stamps = await createTimestampTimer(gpu);
      await stamps.time(record, 7);
    } else {
      counts.push(7);
    }
    assertEquals(counts, [7, 7]);
  },
);
