import {
  assertAlmostEquals,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type GenerateOptions, loadModel, type Piece } from "../mod.ts";
import { logSumExp } from "../src/generate/logits.ts";
import { llamaOracle } from "./llama_oracle.ts";
import { madeIds, makeModel } from "./models.ts";

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 96 });
const PROMPT = madeIds(40);
const ORACLE = await llamaOracle(MODEL);

/** The oracle's log-probabilities behind each of some tokens. */
function oracleRows(ids: readonly number[]): Float64Array[] {
  return ORACLE.logits(ids).map((row) => {
    const total = logSumExp(row);
    return row.map((logit) => logit - total);
  });
}

const NAMED = [259, 5, 260];

Deno.test("each piece has the log-probabilities that the oracle gives", async () => {
  await using model = await loadModel(MODEL, { kv: "f32" });
  const ways: GenerateOptions[] = [
    {},
    { temperature: 1.5, seed: 3, repeatPenalty: 1.5, topK: 9 },
  ];
  for (const way of ways) {
    const generation = model.generate(PROMPT, {
      ...way,
      maxTokens: 6,
      ignoreEos: true,
      topLogprobs: 4,
      tokenLogprobs: NAMED,
    });
    const pieces = await Array.fromAsync(generation);
    const ids = pieces.map(({ id }) => id);
    const rows = oracleRows([...PROMPT, ...ids]).slice(PROMPT.length - 1);
    for (const [i, piece] of pieces.entries()) {
      const row = rows[i]!;
      assertAlmostEquals(piece.logprob!, row[piece.id]!, 1e-4);
      const best = [...row].sort((a, b) => b - a);
      for (const [j, { id, logprob }] of piece.topLogprobs!.entries()) {
        assertAlmostEquals(logprob, row[id]!, 1e-4);
        assertAlmostEquals(logprob, best[j]!, 1e-4);
      }
      assertEquals(piece.topLogprobs!.length, 4);
      assertEquals(piece.tokenLogprobs!.map(({ id }) => id), NAMED);
      for (const { id, logprob } of piece.tokenLogprobs!) {
        assertAlmostEquals(logprob, row[id]!, 1e-4);
      }
    }
  }
});

Deno.test("what is asked for does not change the text", async () => {
  await using model = await loadModel(MODEL, { batchSize: 16 });
  for (const way of [{}, { temperature: 1, seed: 4 }]) {
    const options = { ...way, maxTokens: 20, ignoreEos: true };
    const { ids } = await model.generate(PROMPT, options).result();
    const asked: GenerateOptions[] = [
      { topLogprobs: 2 },
      { tokenLogprobs: [5] },
      { echo: true },
      { echo: true, logprobs: true },
      { echo: true, speculation: "lookup" },
    ];
    for (const more of asked) {
      const all = { ...options, ...more };
      const result = await model.generate(PROMPT, all).result();
      assertEquals(result.ids, ids, JSON.stringify(more));
      assertEquals(result.usage.reusedTokens, more.echo ? 0 : 39);
    }
  }
});

Deno.test("echo gives the prompt as score() does, with its first piece", async () => {
  await using model = await loadModel(MODEL);
  const { positions } = await model.score(PROMPT, { top: 3 });
  const cases: GenerateOptions[] = [
    { maxTokens: 3, topLogprobs: 3, tokenLogprobs: NAMED },
    { maxTokens: 0, topLogprobs: 3, tokenLogprobs: NAMED },
    { maxTokens: 3 },
  ];
  for (const options of cases) {
    const pieces: Piece[] = [];
    const generation = model.generate(PROMPT, {
      ...options,
      echo: true,
      ignoreEos: true,
    });
    for await (const piece of generation) pieces.push(piece);
    const { prompt } = await generation.result();
    assertEquals(
      prompt!.map(({ id, logprob }) => ({ id, logprob })),
      positions.map(({ id, logprob }) => ({ id, logprob })),
    );
    assertEquals(
      prompt!.map(({ text }) => text),
      model.tokenizer.pieces(PROMPT),
    );
    assertEquals(
      pieces.map((piece) => piece.prompt),
      pieces.map((_, i) => i === 0 ? prompt : undefined),
    );
    const [first, ...rest] = prompt!;
    assertFalse("topLogprobs" in first!);
    for (const [i, token] of rest.entries()) {
      if (options.topLogprobs === undefined) {
        assertFalse("topLogprobs" in token || "tokenLogprobs" in token);
        continue;
      }
      assertEquals(token.topLogprobs, positions[i]!.top);
      assertEquals(token.tokenLogprobs!.map(({ id }) => id), NAMED);
    }
  }
  const [only] = (await model.generate([7], { echo: true, maxTokens: 1 })
    .result()).prompt!;
  assertEquals(only!.logprob, null);
});

Deno.test("tokens are named by their text behind other text", async () => {
  await using model = await loadModel(MODEL);
  const { tokenizer } = model;
  const names = ["the", " the", "a", " a", "\n", "<|good|>", "</s>", 9];
  const generation = model.generate("the", {
    tokenLogprobs: names,
    maxTokens: 1,
  });
  const [piece] = await Array.fromAsync(generation);
  const ids = piece!.tokenLogprobs!.map(({ id }) => id);
  assertEquals(
    tokenizer.pieces(ids),
    names.map((name) =>
      typeof name === "string" ? name : tokenizer.pieces([name])[0]!
    ),
  );
  assertEquals(ids.at(-1), 9);
});

Deno.test("generate() refuses log-probabilities of what is no token", async () => {
  await using model = await loadModel(MODEL);
  const refused: [GenerateOptions, new () => Error, string][] = [
    [{ topLogprobs: -1 }, RangeError, "topLogprobs is -1"],
    [{ topLogprobs: 1.5 }, RangeError, "topLogprobs is 1.5"],
    [{ tokenLogprobs: ["the thing"] }, RangeError, '"the thing"'],
    [{ tokenLogprobs: [""] }, RangeError, "0 tokens"],
    [{ tokenLogprobs: [300] }, RangeError, "300"],
    [{ tokenLogprobs: [-1] }, RangeError, "-1"],
    [
      { topLogprobs: 1, speculation: "lookup" },
      TypeError,
      "topLogprobs reads the logits",
    ],
    [
      { tokenLogprobs: [1], speculation: "lookup" },
      TypeError,
      "tokenLogprobs reads the logits",
    ],
  ];
  for (const [options, type, message] of refused) {
    assertThrows(() => model.generate("the", options), type, message);
  }
  const all = { topLogprobs: 1e6, maxTokens: 1 };
  const [piece] = await Array.fromAsync(model.generate("the", all));
  assertEquals(piece!.topLogprobs!.length, 300);
});

Deno.test("echo stops when its signal aborts", async () => {
  await using model = await loadModel(MODEL, { batchSize: 8 });
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const seen: number[] = [];
  const generation = model.generate(PROMPT, {
    echo: true,
    signal,
    onPrompt: ({ processed, total }) => {
      assertEquals(total, PROMPT.length);
      seen.push(processed);
      if (processed >= 16) controller.abort(reason);
    },
  });
  assertEquals(await assertRejects(() => generation.result()), reason);
  assertEquals(seen, [8, 16]);
});
