import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { continueIds } from "../../tests/engine.ts";
import { makeModel } from "../../tests/models.ts";
import { loadModel } from "../load_model.ts";
import { StepBatch } from "../model/step_batch.ts";

const MODEL = makeModel();
const PROMPTS = [[5, 6, 7], [8, 9], [10]];

/** Counts the steps that several sequences take at once, while it lives. */
function countBatches(): Disposable & { count: number } {
  const { run } = StepBatch.prototype;
  const counter = {
    count: 0,
    [Symbol.dispose]: () => void (StepBatch.prototype.run = run),
  };
  StepBatch.prototype.run = function (steps, most) {
    if (steps.length > 1) counter.count++;
    return run.call(this, steps, most);
  };
  return counter;
}

/** Keeps kernels of several rows from compiling, while it lives. */
function breakSteps(): Disposable & { count: number } {
  const { prototype } = GPUDevice;
  const { createComputePipelineAsync: create } = prototype;
  const breaker = {
    count: 0,
    [Symbol.dispose]: () =>
      void (prototype.createComputePipelineAsync = create),
  };
  prototype.createComputePipelineAsync = function (descriptor) {
    if (!descriptor.label?.includes("steps")) {
      return create.call(this, descriptor);
    }
    breaker.count++;
    return Promise.reject(new Error("no such kernel here"));
  };
  return breaker;
}

Deno.test("generations at once share their steps", async () => {
  await using model = await loadModel(MODEL);
  using batches = countBatches();
  const options = { maxTokens: 40, steps: 4 };
  await continueIds(model, PROMPTS[0]!, options);
  assertEquals(batches.count, 0);
  await Promise.all(PROMPTS.map((ids) => continueIds(model, ids, options)));
  assertGreater(batches.count, 5);
});

Deno.test("generations at once go on one by one when the kernels of several rows do not compile", async () => {
  await using model = await loadModel(MODEL);
  const options = { maxTokens: 30, steps: 4 };
  const alone: number[][] = [];
  for (const ids of PROMPTS) alone.push(await continueIds(model, ids, options));
  using batches = countBatches();
  using breaker = breakSteps();
  const all = () =>
    Promise.all(PROMPTS.map((ids) => continueIds(model, ids, options)));
  assertEquals(await all(), alone);
  const tries = breaker.count;
  assertGreater(tries, 0);
  assertEquals(await all(), alone);
  assertEquals([breaker.count, batches.count], [tries, 0]);
});

Deno.test("generations at once say that their model is disposed of while its first batch compiles", async () => {
  const model = await loadModel(MODEL);
  const { createComputePipelineAsync: create } = GPUDevice.prototype;
  let gone: Promise<void> | undefined;
  GPUDevice.prototype.createComputePipelineAsync = function (descriptor) {
    gone ??= model[Symbol.asyncDispose]();
    return create.call(this, descriptor);
  };
  try {
    const both = PROMPTS.map((ids) =>
      assertRejects(
        () => continueIds(model, ids, { maxTokens: 60 }),
        TypeError,
        "Cannot use model: it is disposed of",
      )
    );
    await Promise.all(both);
  } finally {
    GPUDevice.prototype.createComputePipelineAsync = create;
  }
  await gone;
  assertEquals(gone === undefined, false);
});

Deno.test("a generation that guesses says that its model is disposed of while its kernels compile", async () => {
  const model = await loadModel(MODEL);
  const waiting = continueIds(model, [5], { speculation: "lookup" });
  const failure = assertRejects(
    () => waiting,
    TypeError,
    "Cannot use model: it is disposed of",
  );
  await model[Symbol.asyncDispose]();
  await failure;
});
