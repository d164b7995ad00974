import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Sequence } from "../model/sequence.ts";
import type { BatchStep, StepBatch } from "../model/step_batch.ts";
import { StepQueue } from "./step_queue.ts";

/** A sequence that says `id + 1`, `id + 2` ... and notes how it was asked. */
function fakeSequence(log: string[], name: string): Sequence {
  const steps = (ids: number[], { count }: { count: number }) => {
    log.push(`${name} alone`);
    return Promise.resolve(next(ids.at(-1)!, count));
  };
  return { name, steps } as unknown as Sequence;
}

function next(id: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => id + 1 + i);
}

/** A batch that does the same; who is called `bad` fails. */
function fakeBatch(log: string[]): StepBatch {
  const run = (steps: BatchStep[], count: number) => {
    const names = steps.map(({ sequence }) =>
      (sequence as unknown as { name: string }).name
    );
    log.push(`${names.toSorted().join("+")} ${count}`);
    return Promise.resolve(
      steps.map(({ id }, i) =>
        names[i] === "bad" ? new Error("not a number") : next(id, count)
      ),
    );
  };
  return { run } as unknown as StepBatch;
}

/** A generation that takes so many steps. */
async function generate(
  queue: StepQueue,
  sequence: Sequence,
  { length, count = length }: { length: number; count?: number },
): Promise<number[]> {
  using _member = queue.enter();
  const ids = [0];
  while (ids.length <= length) {
    const left = length + 1 - ids.length;
    ids.push(
      ...await queue.take({
        sequence,
        id: ids.at(-1)!,
        count: Math.min(count, left),
        ahead: 0,
      }),
    );
  }
  return ids;
}

Deno.test("StepQueue lets one that is alone go on by itself", async () => {
  const log: string[] = [];
  const queue = new StepQueue(() => Promise.reject(new Error("no batch")));
  const ids = await generate(queue, fakeSequence(log, "a"), {
    length: 9,
    count: 4,
  });
  assertEquals(ids, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(log, ["a alone", "a alone", "a alone"]);
});

Deno.test("StepQueue puts together what is asked for at the same time", async () => {
  const log: string[] = [];
  const queue = new StepQueue(() => Promise.resolve(fakeBatch(log)));
  const lengths = [8, 3, 5];
  const all = await Promise.all(
    lengths.map((length, i) =>
      generate(queue, fakeSequence(log, "abc"[i]!), { length, count: 2 })
    ),
  );
  assertEquals(all, lengths.map((length) => [0, ...next(0, length)]));
  // b is done first, and then c.
  assert(log.some((line) => line.startsWith("a+b+c")), log.join());
  assert(log.some((line) => line.startsWith("a+c")), log.join());
});

Deno.test("StepQueue takes at most 8 at a time, and none waits for ever", async () => {
  const log: string[] = [];
  const queue = new StepQueue(() => Promise.resolve(fakeBatch(log)));
  const all = await Promise.all(
    Array.from(
      { length: 19 },
      (_, i) =>
        generate(queue, fakeSequence(log, `${i}`), { length: 6, count: 3 }),
    ),
  );
  for (const ids of all) assertEquals(ids, [0, 1, 2, 3, 4, 5, 6]);
  for (const line of log) assert(line.split("+").length <= 8, line);
});

Deno.test("StepQueue tells one of its failure, and the others go on", async () => {
  const log: string[] = [];
  const queue = new StepQueue(() => Promise.resolve(fakeBatch(log)));
  const good = generate(queue, fakeSequence(log, "good"), {
    length: 6,
    count: 2,
  });
  const bad = generate(queue, fakeSequence(log, "bad"), {
    length: 6,
    count: 2,
  });
  await assertRejects(() => bad, Error, "not a number");
  assertEquals(await good, [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("StepQueue lets each go on by itself when the batch cannot be made", async () => {
  const log: string[] = [];
  let tries = 0;
  const queue = new StepQueue(() => {
    tries++;
    return Promise.reject(new Error("no kernel"));
  });
  const gone = { steps: () => Promise.reject(new TypeError("disposed of")) };
  const bad = generate(queue, gone as unknown as Sequence, { length: 2 });
  const good = ["a", "b"].map((name) =>
    generate(queue, fakeSequence(log, name), { length: 9, count: 2 })
  );
  await assertRejects(() => bad, TypeError, "disposed of");
  for (const one of good) assertEquals(await one, [0, ...next(0, 9)]);
  assertEquals(tries, 1);
  assertEquals(log.length, 10);
});
