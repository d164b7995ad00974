import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertRejects,
} from "@std/assert";
import { makeModel } from "../../tests/models.ts";
import { benchmarkModel, type BenchmarkOptions } from "./benchmark.ts";
import { loadModel } from "../load_model.ts";

const MODEL = makeModel({ contextLength: 32 });
/** Bytes of a layer's matrices in f32, of a head, and of a position's k and v. */
const LAYER = 4 * (32 * 32 + 2 * 32 * 16 + 32 * 32 + 3 * 32 * 64);
const HEAD = 4 * 300 * 32;
const POSITION = 2 * 2 * 16 * 2;

Deno.test("benchmarkModel() measures each length as often as it is told to", async () => {
  await using model = await loadModel(MODEL);
  const results = await Array.fromAsync(benchmarkModel(model, {
    prompts: [4, 0, 32],
    generations: [3, 30],
    repetitions: 2,
  }));
  assertEquals(results.map(({ nPrompt, nGen }) => [nPrompt, nGen]), [
    [4, 0],
    [32, 0],
    [0, 3],
    [0, 30],
  ]);
  for (const { nPrompt, nGen, samplesNs, samplesTs } of results) {
    assertEquals([samplesNs.length, samplesTs.length], [2, 2]);
    for (const [i, ns] of samplesNs.entries()) {
      assertGreater(ns, 0);
      assertEquals(samplesTs[i], (nPrompt + nGen) / ns * 1e9);
    }
  }
});

Deno.test("benchmarkModel() measures behind tokens that do not count", async () => {
  await using model = await loadModel(MODEL);
  const before = model.gpuBytes;
  const results = await Array.fromAsync(benchmarkModel(model, {
    prompts: [4],
    generations: [5],
    depths: [0, 27],
    firstToken: true,
    repetitions: 2,
  }));
  assertEquals(
    results.map(({ test, nPrompt, nGen, nDepth }) =>
      `${test} ${nPrompt} ${nGen} ${nDepth}`
    ),
    [
      "prompt 4 0 0",
      "generation 0 5 0",
      "prompt 4 0 27",
      "generation 0 5 27",
      "firstToken 1 1 0",
      "firstToken 4 1 0",
    ],
  );
  // No second sequence was needed.
  assertEquals(model.gpuBytes, before);
  for (const { test, nDepth, samplesNs, decode } of results) {
    assertEquals(decode !== undefined, test === "generation");
    if (decode === undefined) continue;
    const { readBytes, bytesPerSecond, streamBytesPerSecond } = decode;
    const positions = Math.max(1, nDepth) + 2;
    assertEquals(readBytes, 2 * LAYER + HEAD + 2 * positions * POSITION / 2);
    const [less, more] = samplesNs.toSorted((a, b) => a - b);
    const seconds = (less! + more!) / 2 / 5 / 1e9;
    assertAlmostEquals(bytesPerSecond * seconds / readBytes, 1, 1e-9);
    assert(streamBytesPerSecond !== undefined);
    assertGreater(streamBytesPerSecond, 1e8);
    assertEquals(decode.streamFraction, bytesPerSecond / streamBytesPerSecond);
    assertGreater(decode.cpuMs, 0);
    assertGreater(seconds * 1000, decode.cpuMs / 2);
  }
});

Deno.test("benchmarkModel() leaves the model as it was", async () => {
  await using model = await loadModel(MODEL);
  const generate = async () =>
    (await model.generate([1, 270, 280], { maxTokens: 8 }).result()).ids;
  const expected = await generate();
  const options = { prompts: [9], generations: [3], depths: [7] };
  await Array.fromAsync(benchmarkModel(model, { ...options, repetitions: 1 }));
  assertEquals(await generate(), expected);
});

Deno.test("benchmarkModel() refuses what does not fit", async () => {
  await using model = await loadModel(MODEL);
  const wrong: [BenchmarkOptions, string][] = [
    [{ prompts: [33], generations: [] }, "the prompt is 33"],
    [{ prompts: [-1], generations: [] }, "the prompt is -1"],
    [{ prompts: [], generations: [32] }, "the generation is 32"],
    [{ prompts: [], generations: [1.5] }, "the generation is 1.5"],
    [{ prompts: [1], generations: [1], repetitions: 0 }, "repetitions is 0"],
    [{ prompts: [1], generations: [1], depths: [32] }, "the depth is 32"],
    [
      { prompts: [1], generations: [9], depths: [0, 24] },
      "9 tokens at a depth of 24 take a context of 33",
    ],
  ];
  for (const [options, message] of wrong) {
    await assertRejects(
      () => benchmarkModel(model, options).next(),
      RangeError,
      `Cannot benchmark: ${message}, `,
    );
  }
});

Deno.test("benchmarkModel() stops when its signal aborts", async () => {
  await using model = await loadModel(MODEL);
  const reason = new Error("enough");
  await assertRejects(
    () =>
      Array.fromAsync(benchmarkModel(model, {
        prompts: [4],
        generations: [],
        signal: AbortSignal.abort(reason),
      })),
    Error,
    "enough",
  );
});
