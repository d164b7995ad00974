import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertNotEquals,
} from "@std/assert";
import { loadModel, type Model } from "../mod.ts";
import { continueIds, projectFile, scoredLogits } from "./engine.ts";
import { assertNmse, nmse } from "./gpu.ts";
import { type GoldenRun, readGoldens, readLogits } from "./goldens.ts";

const STORIES = "models/stories260k-f32.gguf";
const FIXTURES = "tests/fixtures/models";

const MODELS: [golden: string, file: string][] = [
  ["stories260K-F32", STORIES],
  ["stories260K-F16", `${FIXTURES}/stories260K-F16.gguf`],
  ["stories260K-BF16", `${FIXTURES}/stories260K-BF16.gguf`],
  ["stories260K-Q8_0", `${FIXTURES}/stories260K-Q8_0.gguf`],
  ["stories260K-Q4_0", `${FIXTURES}/stories260K-Q4_0.gguf`],
  ["nano-gqa-Q8_0", `${FIXTURES}/nano-gqa-Q8_0.gguf`],
  ["nano-hd128-Q4_0", `${FIXTURES}/nano-hd128-Q4_0.gguf`],
  // Files of mixed formats.
  ["nano-gqa-Q3_K_M", `${FIXTURES}/nano-gqa-Q3_K_M.gguf`],
  ["nano-gqa-IQ1_M", `${FIXTURES}/nano-gqa-IQ1_M.gguf`],
  ["nano-gqa-IQ2_M", `${FIXTURES}/nano-gqa-IQ2_M.gguf`],
  ["nano-gqa-TQ1_0", `${FIXTURES}/nano-gqa-TQ1_0.gguf`],
  ["tiny-archangel-Q8_0", "models/tiny-archangel-q8_0.gguf"],
];

/** A difference of the best two logits that decides which one is the best. */
const CLEAR = 0.01;
// llama.cpp multiplies the angle of RoPE up in f32, which tells far behind.
const LOGPROB_ERROR = 2e-3;

async function assertLogits(model: Model, run: GoldenRun): Promise<void> {
  if (run.logits === undefined) return;
  const expected = await readLogits(run.logits);
  const rows = await scoredLogits(model, run.ids);
  const wanted = run.logitsRows === "last" ? rows.slice(-1) : rows;
  // The issue asks for 1e-6 or 1e-5 and gets about 1e-12.
  assertNmse(wanted.flatMap((row) => [...row]), expected, 1e-9);
}

async function assertScore(model: Model, run: GoldenRun): Promise<void> {
  const { ids, argmax, margin, nextLogprobs } = run;
  const { positions, loglikelihood } = await model.score(ids, { top: 1 });
  let clear = 0;
  for (const [i, { top }] of positions.entries()) {
    if (margin[i]! <= CLEAR) continue;
    clear++;
    assertEquals(top[0]!.id, argmax[i], `after position ${i}`);
  }
  assertGreaterOrEqual(clear, 0.9 * ids.length);
  for (const [i, expected] of nextLogprobs.entries()) {
    const { logprob } = positions[i + 1]!;
    assertAlmostEquals(logprob!, expected, LOGPROB_ERROR, `position ${i}`);
  }
  const error = LOGPROB_ERROR * Math.sqrt(ids.length);
  assertAlmostEquals(loglikelihood, run.loglikelihood, error);
}

for (const [golden, file] of MODELS) {
  for (const batchSize of [512, 7, 1]) {
    Deno.test(`${golden} in batches of ${batchSize} says what llama.cpp does`, async (t) => {
      await using model = await loadModel(projectFile(file), {
        kv: "f32",
        batchSize,
      });
      for (const run of await readGoldens(golden)) {
        const { prompt, ids, greedy } = run;
        await t.step(`logits of prompt ${prompt}`, async () => {
          await assertLogits(model, run);
          await assertScore(model, run);
        });
        // Token by token, that is what the score has seen already.
        if (prompt === "B" && batchSize === 1) continue;
        // How a long prompt was cut shows in the first tokens behind it.
        const maxTokens = prompt === "B" && batchSize < 512 ? 16 : 64;
        await t.step(`greedy tokens behind prompt ${prompt}`, async () => {
          const actual = await continueIds(model, ids, { maxTokens });
          assertEquals(actual, greedy.ids.slice(0, maxTokens));
        });
      }
    });
  }
}

Deno.test("stories260K tells the same at temperature 1 for the same seed", async () => {
  const prompt = "Once upon a time";
  const told: number[][] = [];
  for (const batchSize of [512, 7, 1]) {
    await using model = await loadModel(projectFile(STORIES), { batchSize });
    for (const seed of [1, 1, 2]) {
      const options = { temperature: 1, seed, maxTokens: 40 };
      told.push(await continueIds(model, prompt, options));
    }
  }
  const [one, , other] = told;
  assertNotEquals(one, other);
  const expected = [one, one, other];
  assertEquals(told, [...expected, ...expected, ...expected]);
});

Deno.test("stories260K tells the published story to the byte", async () => {
  const expected = await Deno.readTextFile(
    projectFile("tests/fixtures/goldens/stories260K-greedy.txt"),
  );
  for (const kv of ["f32", "f16"] as const) {
    await using model = await loadModel(projectFile(STORIES), { kv });
    const { bosId } = model.tokenizer;
    const { text } = await model.generate([bosId!], { maxTokens: 256 })
      .result();
    assertEquals(text, expected.trimEnd());
  }
});

for (const golden of ["nano-gqa-Q8_0", "nano-gqa-Q3_K_M", "nano-gqa-IQ2_M"]) {
  Deno.test(`${golden} with int8 activations stays near what llama.cpp says`, async () => {
    const [{ ids, logits = "" } = { ids: [] }] = await readGoldens(golden);
    const expected = await readLogits(logits);
    for (const batchSize of [512, 7, 1]) {
      await using model = await loadModel(
        projectFile(`${FIXTURES}/${golden}.gguf`),
        { kv: "f32", activations: "int8", batchSize },
      );
      const rows = await scoredLogits(model, ids);
      const actual = rows.flatMap((row) => [...row]);
      const error = nmse(actual, expected);
      assertLess(error, 2e-3);
      // Else it would be f32 that has been measured.
      assertGreater(error, 1e-8);
    }
  });
}
