import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { profileModel } from "../src/engine/profile.ts";
import {
  countSteps,
  expectDecode,
  expectPrompt,
  H100,
  SOURCES,
} from "./expect_model.ts";
import { createSyntheticModel } from "./synthetic/model.ts";
import { findShape } from "./synthetic/shapes.ts";

const LLAMA_13B = findShape("llama13b");

for (const type of ["q4_0", "q4_k_m"]) {
  Deno.test(`countSteps() counts what a model of ${type} dispatches`, async () => {
    const layers = 10;
    const shape = findShape("narrow13b", { layers, dim: 256, hiddenDim: 256 });
    const depths = [0, 600];
    const { model } = await createSyntheticModel(shape, type);
    await using _ = model;
    const profiles = await Array.fromAsync(profileModel(model, {
      depths,
      prompt: 0,
      repetitions: 1,
    }));
    assertEquals(
      depths.map((depth) => countSteps(shape, type, depth)),
      profiles.map(({ stages }) =>
        stages.filter(({ name }) => name !== "sample")
          .reduce((sum, { dispatches }) => sum + dispatches, 0)
      ),
    );
  });
}

Deno.test("countSteps() knows llama13b's graph", () => {
  assertEquals(countSteps(LLAMA_13B, "q4_0", 0), 40 * 5 + 3);
  assertEquals(countSteps(LLAMA_13B, "q4_0", 2048), 40 * 6 + 3);
  assertEquals(countSteps(LLAMA_13B, "q4_k_m", 0), 40 * 5 + 20 + 3);
});

Deno.test("expectDecode() adds reading, steps and the way back up", () => {
  const assumptions = {
    ...H100,
    streamGBs: 1000,
    formatFractions: {},
    otherFraction: 0.5,
    attentionFraction: 0.25,
    stepUs: 10,
    sampleSteps: 0,
    readUs: 0,
    cpuMs: 0,
  };
  const { parts, ms, tokensPerSecond, fraction } = expectDecode(
    LLAMA_13B,
    "q8_0",
    { depth: 1000, assumptions },
  );
  const weights = 13_015_864_320 - 81 * 5120 - 32000 * 5120;
  assertAlmostEquals(parts["weights"]!, weights * 34 / 32 / 500e6, 1e-9);
  const cache = 2 * 40 * 1000 * 5120 * 2;
  assertAlmostEquals(parts["attention"]!, cache / 250e6, 1e-9);
  assertAlmostEquals(parts["steps"]!, 2.43, 1e-9);
  assertEquals(parts["cpu"], 0);
  assertAlmostEquals(tokensPerSecond, 1000 / ms, 1e-9);
  const ideal = (weights * 34 / 32 + cache) / 1e12;
  assertAlmostEquals(fraction, ideal / (ms / 1000), 1e-9);
  // A CPU that is slower than the GPU is what counts.
  const slow = expectDecode(LLAMA_13B, "q8_0", {
    depth: 1000,
    assumptions: { ...assumptions, cpuMs: 1000 },
  });
  assertAlmostEquals(slow.ms, 1000, 1e-9);
});

Deno.test("expectPrompt() is bound by arithmetic", () => {
  const options = { tokens: 512, assumptions: H100 };
  const f32 = expectPrompt(LLAMA_13B, "q4_0", {
    ...options,
    activations: "f32",
  });
  const int8 = expectPrompt(LLAMA_13B, "q4_0", {
    ...options,
    activations: "int8",
  });
  const weights = 40 * (4 * 5120 * 5120 + 3 * 5120 * 13824);
  const seconds = 2 * weights * 512 / (0.5 * 67e12);
  assertAlmostEquals(f32.parts["products"]!, seconds * 1000, 1e-6);
  assertAlmostEquals(int8.parts["products"]!, seconds * 500, 1e-6);
  assertGreater(int8.tokensPerSecond, f32.tokensPerSecond);
  assertGreater(0.5, f32.fraction);
});

Deno.test("every assumption has a source", () => {
  assertEquals(Object.keys(SOURCES).toSorted(), Object.keys(H100).toSorted());
});
