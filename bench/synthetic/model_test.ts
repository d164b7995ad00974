import { assert, assertEquals, assertGreater } from "@std/assert";
import { createSyntheticModel } from "./model.ts";
import { findShape } from "./shapes.ts";

const SHAPE = findShape("llama13b", {
  dim: 256,
  hiddenDim: 256,
  heads: 2,
  layers: 2,
  vocabularySize: 301,
});

/** Greedy ids and their probabilities. */
async function generate(type: string, shape = SHAPE) {
  const made = await createSyntheticModel(shape, type, { contextLength: 16 });
  await using model = made.model;
  const options = { maxTokens: 3, ignoreEos: true, logprobs: true };
  const pieces = await Array.fromAsync(model.generate([1, 7, 270], options));
  return pieces.map(({ id, logprob }) => ({ id, logprob: logprob! }));
}

/** Floating-point numbers of each kind, and mixes. */
const TYPES = [
  "F32",
  "F16",
  "BF16",
  "Q4_0",
  "Q4_K_M",
  "Q2_K",
  "IQ1_M",
  "MXFP4",
];

for (const type of TYPES) {
  Deno.test(`createSyntheticModel() stays finite in ${type}`, async () => {
    const pieces = await generate(type);
    assertEquals(pieces.length, 3);
    for (const { logprob } of pieces) {
      // Neither the same for all tokens, nor all for one.
      assertGreater(logprob, -Math.log(301) + 0.01);
      assert(logprob < -0.1, `${logprob}`);
    }
  });
}

Deno.test("createSyntheticModel() stays finite through 40 layers", async () => {
  const [first] = await generate("q4_k_m", findShape("narrow13b"));
  assertGreater(first!.logprob, -Math.log(512));
});

Deno.test("createSyntheticModel() says what a file of it would be", async () => {
  const { model, parameters, bytes } = await createSyntheticModel(
    { ...SHAPE, tied: true },
    "q8_0",
    { contextLength: 16 },
  );
  await using _ = model;
  const matrices = 2 * 7 * 256 * 256 + 301 * 256;
  assertEquals(parameters, matrices + 5 * 256);
  assertEquals(bytes, matrices / 32 * 34 + 5 * 256 * 4);
  assertGreater(model.gpuBytes, bytes);
});
