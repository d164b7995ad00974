import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { type Generation, loadModel } from "../mod.ts";
import { logSumExp } from "../src/generate/logits.ts";
import { continueIds } from "./engine.ts";
import { llamaOracle } from "./llama_oracle.ts";
import { madeIds, makeModel } from "./models.ts";

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 128 });
const LONG = madeIds(70);
const SHORT = [1, 60, 90];

/** What a model says that has done nothing before. */
async function freshIds(prompt: readonly number[]): Promise<number[]> {
  await using model = await loadModel(MODEL);
  return await continueIds(model, prompt);
}

const longIds = await freshIds(LONG);
const shortIds = await freshIds(SHORT);

/** Reads generations piece by piece in turn. */
async function interleave(generations: Generation[]): Promise<number[][]> {
  const ids: number[][] = generations.map(() => []);
  const readers = generations.map((one) => one[Symbol.asyncIterator]());
  const open = new Set(readers.keys());
  while (open.size > 0) {
    for (const i of [...open]) {
      const { done, value } = await readers[i]!.next();
      if (done) open.delete(i);
      else ids[i]!.push(value.id);
    }
  }
  return ids;
}

Deno.test("a model says the same again when it was loaded again", async () => {
  assertEquals(await freshIds(LONG), longIds);
  assertEquals(await freshIds(SHORT), shortIds);
  assertNotEquals(longIds, shortIds);
});

Deno.test("a sequence that is used again keeps nothing of its past", async () => {
  await using model = await loadModel(MODEL, { batchSize: 32 });
  for (const [prompt, expected] of [[SHORT, shortIds], [LONG, longIds]]) {
    assertEquals(await continueIds(model, LONG), longIds);
    assertEquals(await continueIds(model, prompt!), expected);
    await model.score(madeIds(90));
    assertEquals(await continueIds(model, prompt!), expected);
  }
});

Deno.test("generations that are read in turn do not see each other", async () => {
  await using model = await loadModel(MODEL);
  const options = { maxTokens: 12, ignoreEos: true };
  const ids = await interleave([
    model.generate(LONG, options),
    model.generate(SHORT, options),
    model.generate(LONG, options),
  ]);
  assertEquals(ids, [longIds, shortIds, longIds]);
});

Deno.test("generations and scores that run at once do not see each other", async () => {
  await using model = await loadModel(MODEL, { batchSize: 16 });
  const alone = await model.score(LONG, { top: 3 });
  const results = await Promise.all([
    continueIds(model, SHORT),
    continueIds(model, LONG),
    model.score(LONG, { top: 3 }),
    continueIds(model, SHORT),
    continueIds(model, LONG),
  ]);
  assertEquals(results, [shortIds, longIds, alone, shortIds, longIds]);
});

Deno.test("two models do not see each other", async () => {
  await using one = await loadModel(MODEL);
  await using other = await loadModel(makeModel({ seed: 2 }));
  const otherIds = await continueIds(other, SHORT);
  const options = { maxTokens: 12, ignoreEos: true };
  const ids = await interleave([
    one.generate(SHORT, options),
    other.generate(SHORT, options),
  ]);
  assertEquals(ids, [shortIds, otherIds]);
});

Deno.test("a model works after a generation was left, aborted or failed", async () => {
  await using model = await loadModel(MODEL, { batchSize: 16 });
  for await (const _ of model.generate(LONG)) break;
  assertEquals(await continueIds(model, SHORT), shortIds);

  const controller = new AbortController();
  const { signal } = controller;
  await assertRejects(async () => {
    for await (const _ of model.generate(LONG, { signal })) controller.abort();
  });
  assertEquals(await continueIds(model, SHORT), shortIds);

  await assertRejects(() => model.score([1, 2, 1e6]), RangeError);
  assertEquals(await continueIds(model, LONG), longIds);
});

Deno.test("score() gives the log-softmax of the oracle's logits", async () => {
  await using model = await loadModel(MODEL, { kv: "f32", batchSize: 7 });
  const rows = (await llamaOracle(MODEL)).logits(LONG);
  const { loglikelihood, positions } = await model.score(LONG, { top: 4 });
  assertEquals(positions.map(({ id }) => id), LONG);
  assertEquals(positions[0]!.logprob, null);
  let sum = 0;
  for (let i = 1; i < LONG.length; i++) {
    const row = rows[i - 1]!;
    const expected = row[LONG[i]!]! - logSumExp(row);
    assertAlmostEquals(positions[i]!.logprob!, expected, 1e-4);
    sum += positions[i]!.logprob!;
  }
  assertAlmostEquals(loglikelihood, sum, 1e-9);
  for (const [i, { top }] of positions.entries()) {
    const row = rows[i]!;
    assertEquals(top.length, 4);
    for (const [rank, { id, logit, logprob }] of top.entries()) {
      assertAlmostEquals(logit, row[id]!, 1e-4);
      assertAlmostEquals(logprob, logit - logSumExp(row), 1e-4);
      if (rank > 0) assertGreater(top[rank - 1]!.logit, logit - 1e-12);
    }
    assertAlmostEquals(top[0]!.logit, Math.max(...row), 1e-4);
  }
});

Deno.test("score() takes one token, and as many as the context has", async () => {
  await using model = await loadModel(MODEL);
  assertEquals(await model.score([5]), {
    loglikelihood: 0,
    positions: [{ id: 5, logprob: null, top: [] }],
  });
  const { positions } = await model.score(madeIds(128));
  assertEquals(positions.length, 128);
});

Deno.test("score() refuses what cannot be scored", async () => {
  await using model = await loadModel(MODEL);
  const bytes = model.gpuBytes;
  await assertRejects(() => model.score([]), RangeError, "Cannot ");
  await assertRejects(() => model.score(madeIds(129)), RangeError, "129");
  await assertRejects(() => model.score([1, 300]), RangeError, "300");
  await assertRejects(() => model.score([1, -1]), RangeError, "-1");
  await assertRejects(() => model.score([1, 1.5]), RangeError, "1.5");
  await assertRejects(() => model.score([1], { top: -1 }), RangeError, "-1");
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("score() stops when its signal aborts", async () => {
  await using model = await loadModel(MODEL, { batchSize: 4 });
  const reason = new Error("enough");
  const ids = madeIds(100);
  await assertRejects(
    () => model.score(ids, { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 0);
  await assertRejects(
    () => model.score(ids, { signal: controller.signal }),
    Error,
    "enough",
  );
  assertEquals(await continueIds(model, SHORT), shortIds);
});
