import { assert, assertEquals, assertRejects } from "@std/assert";
import { readAhead } from "./read_ahead.ts";
import { type ByteSource, openSource } from "./source.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);

/** Ranges that follow each other, and skip some bytes. */
const RANGES = Array.from({ length: 9 }, (_, i) => ({
  offset: 100 * i,
  bytes: 10 * (i + 1),
}));

/** A source that tells what it is asked, and answers when it is told to. */
function slowSource() {
  const asked: number[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const source: ByteSource = {
    label: "slow",
    size: BYTES.length,
    async readInto(target, offset) {
      asked.push(offset);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      await answer.promise;
      target.set(BYTES.subarray(offset, offset + target.length));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { source, asked, answers };
}

Deno.test("readAhead() gives all ranges in order from two buffers", async () => {
  await using source = await openSource(BYTES);
  const seen: number[] = [];
  const buffers = new Set<ArrayBuffer>();
  for await (const { range, bytes } of readAhead(source, RANGES, 90)) {
    const { offset } = range;
    assertEquals(bytes, BYTES.slice(offset, offset + range.bytes));
    buffers.add(bytes.buffer);
    seen.push(offset);
  }
  assertEquals(seen, RANGES.map(({ offset }) => offset));
  assertEquals(buffers.size, 2);
  assertEquals(await Array.fromAsync(readAhead(source, [], 1)), []);
});

Deno.test("readAhead() reads the next range while one is worked on, and no other", async () => {
  const { source, asked, answers } = slowSource();
  const reader = readAhead(source, RANGES, 90);
  const first = reader.next();
  await Promise.resolve();
  assertEquals(asked, [0]);
  answers[0]!.resolve();
  const { value } = await first;
  assertEquals(asked, [0, 100]);
  assertEquals(value!.bytes, BYTES.slice(0, 10)); // still those of the first
  answers[1]!.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(asked, [0, 100]);
  assertEquals(value!.bytes, BYTES.slice(0, 10));
  const second = await reader.next();
  assertEquals(second.value!.bytes, BYTES.slice(100, 120));
  answers[2]!.resolve();
  await reader.return(undefined);
});

Deno.test("readAhead() waits for its read when its reader leaves", async () => {
  const { source, asked, answers } = slowSource();
  const reader = readAhead(source, RANGES, 90);
  const first = reader.next();
  await Promise.resolve();
  answers[0]!.resolve();
  await first;
  let left = false;
  const leaving = reader.return(undefined).then(() => left = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(!left);
  answers[1]!.reject(new Error("it is gone")); // nobody is told
  await leaving;
  assertEquals(asked, [0, 100]);
});

Deno.test("readAhead() throws what a read throws, behind what was read before", async () => {
  await using source = await openSource(BYTES);
  const ranges = [...RANGES.slice(0, 2), { offset: 990, bytes: 20 }];
  const seen: number[] = [];
  await assertRejects(
    async () => {
      for await (const { range } of readAhead(source, ranges, 90)) {
        seen.push(range.offset);
      }
    },
    RangeError,
    "it ends at byte 1000",
  );
  assertEquals(seen, [0, 100]);
  await assertRejects(
    () => Array.fromAsync(readAhead(source, RANGES, 50)),
    RangeError,
    "a range has 60 bytes, at most 50 are wanted",
  );
});
