import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { makeModel } from "../../tests/models.ts";
import { matrixBytes } from "../kernels/matrix.ts";
import { loadModel } from "../load_model.ts";
import type { Model } from "./model.ts";
import { profileModel, type ProfileOptions } from "./profile.ts";

const MODEL = makeModel({ contextLength: 600, layers: 3 });

Deno.test("profileModel() sums up every dispatch of a step", async () => {
  await using model = await loadModel(MODEL);
  const profiles = await Array.fromAsync(profileModel(model, {
    depths: [0, 599],
    prompt: 5,
    repetitions: 2,
  }));
  assertEquals(
    profiles.map(({ test, rows, depth }) => [test, rows, depth]),
    [["decode", 1, 0], ["decode", 1, 599], ["prompt", 5, 0]],
  );
  const dispatches = profiles.map(({ stages }) =>
    Object.fromEntries(stages.map(({ name, dispatches }) => [name, dispatches]))
  );
  const layer = { qkv: 3, attention: 3, output: 3, "gate_up": 3, down: 3 };
  const ends = { embed: 1, norm: 1, head: 1, sample: 1 };
  assertEquals(dispatches[0], { ...layer, ...ends });
  assertEquals(dispatches[1], { ...dispatches[0], "attention reduce": 3 });
  // Of a batch, norms and the rotation are dispatches of their own.
  assertEquals(dispatches[2], {
    ...layer,
    ...ends,
    norm: 7,
    attention: 6,
    "gate_up": 6,
  });
  const { llama } = model.parts;
  for (const { seconds, stages, kernels } of profiles) {
    for (const entries of [stages, kernels]) {
      const sum = entries.reduce((sum, { share }) => sum + share, 0);
      assertAlmostEquals(sum, 1, 1e-9);
      for (const entry of entries) {
        assertEquals(entry.seconds / seconds, entry.share);
      }
    }
    const head = stages.find(({ name }) => name === "head")!;
    assertEquals(head.readBytes, matrixBytes(llama.weights.output));
  }
});

Deno.test("profileModel() leaves what a model remembers alone", async () => {
  await using model = await loadModel(MODEL);
  const before = model.gpuBytes;
  const generate = async () =>
    (await model.generate([1, 270, 280], { maxTokens: 4 }).result()).ids;
  const expected = await generate();
  await Array.fromAsync(profileModel(model, { prompt: 0, repetitions: 1 }));
  assertEquals(await generate(), expected);
  assertEquals(model.gpuBytes, before);
});

Deno.test("profileModel() refuses what does not fit", async () => {
  await using model = await loadModel(MODEL);
  const wrong: [ProfileOptions, string][] = [
    [{ depths: [600] }, "the depth is 600, an integer from 0 to 599"],
    [{ prompt: 513 }, "the prompt is 513, an integer from 0 to 512"],
    [{ repetitions: 0 }, "repetitions is 0"],
  ];
  for (const [options, message] of wrong) {
    await assertRejects(
      () => profileModel(model, options).next(),
      RangeError,
      `Cannot profile: ${message}`,
    );
  }
});

Deno.test("profileModel() refuses a device without timestamps", async () => {
  await using model = await loadModel(MODEL);
  const { gpu, llama } = model.parts;
  const device = { features: new Set() } as unknown as GPUDevice;
  const without = { parts: { gpu: { ...gpu, device }, llama } };
  await assertRejects(
    () => profileModel(without as unknown as Model).next(),
    Error,
    "has no timestamps, the feature timestamp-query is wanted",
  );
});
