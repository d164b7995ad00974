import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import {
  type ContinuationOptions,
  type ContinuationScore,
  loadModel,
  type LoadModelOptions,
  type Model,
} from "../mod.ts";
import { continueIds, projectFile } from "./engine.ts";
import { madeIds, type MadeModelOptions, makeModel } from "./models.ts";

const SIZE = { dim: 64, format: "Q8_0", contextLength: 128 };
const MODEL = makeModel(SIZE);
const PREFIX = madeIds(37);

/** Continuations without a pattern, some of which begin alike. */
const CONTINUATIONS: number[][] = Array.from({ length: 23 }, (_, i) => {
  const length = [1, 4, 2, 9, 3, 1, 14][i % 7]!;
  const ids = Array.from({ length }, (_, j) => 3 + (i * 101 + j * 53) % 290);
  return i % 3 === 0 ? [7, 9, ...ids] : ids;
});

/** What `score()` of the whole says of the continuation: it runs alone. */
async function alone(
  model: Model,
  prefix: readonly number[],
  continuation: readonly number[],
  top: number,
): Promise<ContinuationScore> {
  const { vocabularySize } = model.config;
  // Its last token only needs what comes before it.
  const all = [...prefix, ...continuation.slice(0, -1)];
  const { positions } = await model.score(all, { top: vocabularySize });
  const tokens = continuation.map((id, i) => {
    const said = positions[prefix.length - 1 + i]!.top;
    const rank = said.findIndex((one) => one.id === id);
    const { logprob } = said[rank]!;
    return {
      ...{ id, logprob, rank },
      ...(top > 0 && { top: said.slice(0, top) }),
    };
  });
  return {
    loglikelihood: tokens.reduce((sum, { logprob }) => sum + logprob, 0),
    isGreedy: tokens.every(({ rank }) => rank === 0),
    tokens,
    dropped: 0,
  };
}

/** Asserts all but the last bits of log-probabilities, which f32 adds up. */
function assertScores(
  actual: readonly ContinuationScore[],
  expected: readonly ContinuationScore[],
): void {
  assertEquals(actual.length, expected.length);
  for (const [i, { tokens, ...rest }] of expected.entries()) {
    const own = actual[i]!;
    assertEquals(own.isGreedy, rest.isGreedy, `continuation ${i}`);
    assertEquals(own.dropped, rest.dropped, `continuation ${i}`);
    assertAlmostEquals(own.loglikelihood, rest.loglikelihood, 1e-4);
    assertEquals(
      own.tokens.map(({ id, rank }) => ({ id, rank })),
      tokens.map(({ id, rank }) => ({ id, rank })),
    );
    for (const [j, { logprob }] of tokens.entries()) {
      assertAlmostEquals(own.tokens[j]!.logprob, logprob, 1e-5);
    }
  }
}

const CASES: [string, MadeModelOptions, LoadModelOptions][] = [
  ["as they are", {}, { kv: "f32" }],
  ["in batches of 32", {}, { kv: "f16", batchSize: 32 }],
  ["in batches of 7", {}, { kv: "q8_0", batchSize: 7 }],
  ["in batches of 1", {}, { batchSize: 1 }],
  ["over a window", { slidingWindow: 20 }, { kv: "f32" }],
  ["without subgroups", {}, { subgroups: false }],
  ["where the context ends", { contextLength: 53 }, {}],
  ["where it ends, in batches", { contextLength: 53 }, { batchSize: 24 }],
  ["with heads of 10", { dim: 60, headDim: 10, format: "F32" }, {}],
  ["rounded to 8 bits", {}, { activations: "int8" }],
];

for (const [what, made, load] of CASES) {
  Deno.test(`score() gives many continuations what it gives each alone, ${what}`, async () => {
    await using model = await loadModel(
      makeModel({ ...SIZE, ...made }),
      load,
    );
    const expected: ContinuationScore[] = [];
    for (const ids of CONTINUATIONS) {
      expected.push(await alone(model, PREFIX, ids, 5));
    }
    assertScores(await model.score(PREFIX, CONTINUATIONS), expected);
    // What is read back as it is has to be the same to the last bit.
    assertEquals(
      await model.score(PREFIX, CONTINUATIONS, { top: 5 }),
      expected,
    );
  });
}

Deno.test("score() gives a continuation the same bits in any company", async () => {
  await using model = await loadModel(MODEL, { batchSize: 40 });
  const all = await model.score(PREFIX, CONTINUATIONS);
  const backwards = await model.score(PREFIX, CONTINUATIONS.toReversed());
  assertEquals(backwards.toReversed(), all);
  const again = await model.score(PREFIX, CONTINUATIONS, { reuse: false });
  assertEquals(again, all);
  for (const i of [0, 6, 13]) {
    assertEquals(await model.score(PREFIX, [CONTINUATIONS[i]!]), [all[i]!]);
  }
  const twice = await model.score(PREFIX, [...CONTINUATIONS, ...CONTINUATIONS]);
  assertEquals(twice, [...all, ...all]);
  // Where it does not fit into a batch it runs as a prompt does.
  const long = madeIds(80).slice(1);
  const [own] = await model.score(PREFIX, [long]);
  assertScores([own!], [await alone(model, PREFIX, long, 0)]);
  const mixed = await model.score(PREFIX, [[5, 6], long, ...CONTINUATIONS]);
  assertEquals(mixed.slice(1), [own!, ...all]);
});

Deno.test("score() of one token a continuation, and of a prefix of one", async () => {
  await using model = await loadModel(MODEL);
  const tokens = Array.from({ length: 300 }, (_, id) => [id]);
  for (const prefix of [PREFIX, [1], madeIds(128)]) {
    const scores = await model.score(prefix, tokens);
    const sum = scores.reduce(
      (sum, { loglikelihood }) => sum + Math.exp(loglikelihood),
      0,
    );
    assertAlmostEquals(sum, 1, 1e-9);
    const ranks = scores.map(({ tokens: [one] }) => one!.rank);
    assertEquals(ranks.toSorted((a, b) => a - b), [...tokens.keys()]);
    const greedy = scores.findIndex(({ isGreedy }) => isGreedy);
    assertEquals(
      await continueIds(model, prefix, { maxTokens: 1 }),
      [greedy],
    );
  }
  const short = await model.score([1], CONTINUATIONS.slice(0, 5), { top: 2 });
  for (const [i, score] of short.entries()) {
    assertEquals(score, await alone(model, [1], CONTINUATIONS[i]!, 2));
  }
  assertEquals(await model.score(PREFIX, []), []);
});

Deno.test("score() says that greedy text is greedy", async () => {
  await using model = await loadModel(MODEL);
  const ids = await continueIds(model, PREFIX, { maxTokens: 9 });
  const other = [...ids.slice(0, 8), (ids[8]! + 1) % 300];
  const scores = await model.score(PREFIX, [ids, other, ids.slice(0, 3)]);
  assertEquals(scores.map(({ isGreedy }) => isGreedy), [true, false, true]);
  assertGreater(scores[1]!.tokens[8]!.rank, 0);
});

Deno.test("a score leaves nothing behind that a generation would take", async () => {
  await using model = await loadModel(MODEL, { batchSize: 64 });
  const expected = await continueIds(model, PREFIX);
  const [long] = [[...PREFIX, ...CONTINUATIONS[3]!, ...CONTINUATIONS[4]!]];
  const behind = await continueIds(model, long!);
  const bytes = model.gpuBytes;
  for (let round = 0; round < 2; round++) {
    await model.score(PREFIX, CONTINUATIONS);
    assertEquals(await continueIds(model, long!), behind);
    await model.score(PREFIX, CONTINUATIONS);
    const { usage, ids } = await model.generate(PREFIX, {
      maxTokens: 12,
      ignoreEos: true,
    }).result();
    assertEquals(ids, expected);
    assertEquals(usage.reusedTokens, 36); // the score has run them
  }
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("score() takes more passes where there is no memory for another cache", async () => {
  await using model = await loadModel(MODEL, { contextLength: 53 });
  const expected = await model.score(PREFIX, CONTINUATIONS);
  const { gpuBytes } = model;
  const { systemMemoryInfo } = Deno;
  let asked = 0;
  // Only a software adapter asks; the result is the same in any case.
  Deno.systemMemoryInfo = () => {
    asked++;
    return { ...systemMemoryInfo(), available: 0 };
  };
  try {
    assertEquals(await model.score(PREFIX, CONTINUATIONS), expected);
    const before = asked;
    await model.score(PREFIX, CONTINUATIONS.slice(1, 3)); // there is room
    assertEquals(asked, before);
  } finally {
    Deno.systemMemoryInfo = systemMemoryInfo;
  }
  assertEquals(model.gpuBytes, gpuBytes);
});

Deno.test("scores and generations that run at once do not see each other", async () => {
  await using model = await loadModel(MODEL, { batchSize: 24, keptCaches: 2 });
  const other = madeIds(20).toReversed();
  const expected = [
    await model.score(PREFIX, CONTINUATIONS),
    await model.score(other, CONTINUATIONS, { top: 2 }),
    await continueIds(model, other),
  ];
  const actual = await Promise.all([
    model.score(PREFIX, CONTINUATIONS),
    model.score(other, CONTINUATIONS, { top: 2 }),
    continueIds(model, other),
  ]);
  assertEquals(actual, expected);
});

Deno.test("a model in a worker scores as it does in this thread", async () => {
  await using here = await loadModel(MODEL);
  await using there = await loadModel(MODEL, { worker: true });
  for (const options of [{}, { top: 3 }, { reuse: false }]) {
    assertEquals(
      await there.score(PREFIX, CONTINUATIONS, options),
      await here.score(PREFIX, CONTINUATIONS, options),
    );
  }
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const score = there.score(PREFIX, CONTINUATIONS, { signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => score), reason);
  await there.score(PREFIX, [[5]]);
});

Deno.test("score() stops when its signal aborts", async () => {
  await using model = await loadModel(MODEL, { batchSize: 8 });
  const reason = new Error("enough");
  const aborted = AbortSignal.abort(reason);
  assertEquals(
    await assertRejects(() => model.score(PREFIX, [[5]], { signal: aborted })),
    reason,
  );
  const controller = new AbortController();
  const { signal } = controller;
  setTimeout(() => controller.abort(reason), 5);
  const many = Array.from({ length: 400 }, () => madeIds(8));
  assertEquals(
    await assertRejects(() => model.score(PREFIX, many, { signal })),
    reason,
  );
  await model.score(PREFIX, [[5, 6]]);
});

Deno.test("score() refuses what cannot be scored", async () => {
  const model = await loadModel(MODEL);
  const refused: [
    string | number[],
    (string | number[])[],
    ContinuationOptions,
    string,
  ][] = [
    [PREFIX, [[5], []], {}, "continuation 1 is [], which adds no token"],
    ["the", ["thing", ""], {}, 'continuation 1 is "", which adds no token'],
    [PREFIX, [[300]], {}, "continuation 0: token 0 is 300"],
    [PREFIX, [[1.5]], {}, "1.5"],
    [[1, -1], [[5]], {}, "token 1 is -1"],
    [PREFIX, [[5]], { top: -1 }, "top is -1"],
    [
      PREFIX,
      [madeIds(93)],
      {},
      "the prompt has 37 tokens and continuation 0 93",
    ],
    [[1, ...madeIds(128)], [[5]], {}, "at most 129 are wanted, or truncate"],
    [PREFIX, [madeIds(129)], { truncate: true }, "at most 128 behind it"],
  ];
  for (const [prompt, continuations, options, message] of refused) {
    await assertRejects(
      () => model.score(prompt, continuations, options),
      RangeError,
      message,
    );
  }
  await assertRejects(
    // deno-lint-ignore no-explicit-any -- as JavaScript may call it
    () => model.score("the" as any),
    TypeError,
    "there is a prompt alone",
  );
  for (const wrong of [3, null]) {
    await assertRejects(
      () => model.score(PREFIX, [[5], wrong as never]),
      TypeError,
      `continuation 1 is ${wrong}, a text or ids are wanted`,
    );
  }
  await model.score(PREFIX, [madeIds(92)]); // this just fits
  const late = model.score(PREFIX, CONTINUATIONS);
  await model[Symbol.asyncDispose]();
  await assertRejects(() => late, TypeError, "disposed of");
  await assertRejects(() => model.score(PREFIX, [[5]]), TypeError, "disposed");
});

Deno.test("a prompt that is too long loses its start where it is asked to", async () => {
  await using model = await loadModel(MODEL, { contextLength: 40 });
  const options = { truncate: true };
  const some = [[9], [4, 5, 6, 7, 8], madeIds(30), [6, 5, 4, 3, 2], [8, 3]];
  const without = PREFIX.slice(1);
  for (const [prompt, kept] of [[PREFIX, [1]], [without, []]] as const) {
    const scores = await model.score(prompt, some, options);
    for (const [i, ids] of some.entries()) {
      const dropped = Math.max(0, prompt.length + ids.length - 41);
      const rest = prompt.slice(kept.length).slice(dropped);
      const [expected] = await model.score([...kept, ...rest], [ids]);
      assertEquals(scores[i], { ...expected!, dropped });
    }
    assertNotEquals(scores[2]!.dropped, 0);
  }
  // The harness feeds one token less than the text has.
  const [score] = await model.score(without, [madeIds(40)], options);
  assertEquals(score!.dropped, 35);
});

const ARCHANGEL = projectFile("models/tiny-archangel-q8_0.gguf");

Deno.test("score() splits texts as the evaluation harness does", async () => {
  await using model = await loadModel(ARCHANGEL, { contextLength: 64 });
  const { tokenizer } = model;
  const plain = (text: string) => tokenizer.encode(text, { bos: false });
  const [bos, eos] = [tokenizer.bosId!, tokenizer.eosId!];
  const cases: [string, string, number[], number[]][] = [
    // The ids of the specification, section 3.2.
    ["The dog ran. ", " He fell.", [450, 11203, 6350, 29889], [
      ...[29871, 940, 8379, 29889],
    ]],
    ["Answer:", " A", plain("Answer:"), [319]],
    ["Answer:", " four", plain("Answer:"), [3023]],
    ["Answer:\n", "B", plain("Answer:"), plain("Answer:\nB").slice(2)],
    ["Sure", "ly not", plain("Sure"), plain("Surely not").slice(1)],
    // White space as Python has it: U+001C is, U+FEFF is not.
    ["a\x1c\u3000", "b", plain("a"), plain("a\x1c\u3000b").slice(1)],
    [
      "a\ufeff",
      "b",
      plain("a\ufeff"),
      plain("a\ufeffb").slice(
        plain("a\ufeff").length,
      ),
    ],
    ["", "Hi", [], plain("Hi")],
    [" \n", "Hi", [], plain(" \nHi")],
  ];
  for (const [prompt, continuation, context, ids] of cases) {
    for (const isBos of [true, false]) {
      const begin = isBos ? [bos] : context.length === 0 ? [eos] : [];
      const [expected] = await model.score([...begin, ...context], [ids]);
      const options = { bos: isBos };
      const actual = await model.score(prompt, [continuation], options);
      assertEquals(actual, [expected!], JSON.stringify(prompt));
    }
  }
  // BOS is what the file says, ids may stand among texts, and behind ids a text
  // goes on.
  const mixed = await model.score("Once upon ", ["a time", [931]]);
  const [text] = await model.score("Once upon ", ["a time"], { bos: true });
  const [ids] = await model.score(tokenizer.encode("Once upon "), [[931]]);
  assertEquals(mixed, [text!, ids!]);
  const behind = await model.score([bos, 9038, 2501], [" a time", [263, 931]]);
  assertEquals(behind[0], behind[1]);
  const [none] = await model.score([], ["Hi"]);
  assertEquals([none!], await model.score("", ["Hi"]));
});

Deno.test("score() takes more rows than there is room for logits", async () => {
  await using model = await loadModel(ARCHANGEL, { contextLength: 200 });
  const prefix = [1, ...Array.from({ length: 19 }, (_, i) => 300 + 37 * i)];
  const some = Array.from(
    { length: 42 },
    (_, i) => [5 + i, 900 * (i % 30), 31999 - i, 29871, 7 * i],
  );
  // 16 MiB hold 131 rows of 32002 logits.
  const all = await model.score(prefix, some);
  for (const i of [0, 20, 31, 32, 33, 41]) {
    const [own] = await model.score(prefix, [some[i]!]);
    assertEquals(all[i], own);
  }
  const logits = await model.score(prefix, some, { top: 1 });
  assertScores(all, logits);
});

Deno.test("score() finds special tokens where it is asked to", async () => {
  await using model = await loadModel(ARCHANGEL, { contextLength: 64 });
  const good = model.tokenizer.specialId("<|good|>")!;
  const [plain] = await model.score("Hi", ["<|good|>"]);
  assertGreater(plain!.tokens.length, 1);
  const [special] = await model.score("Hi", ["<|good|>"], { special: true });
  assertEquals(special!.tokens.map(({ id }) => id), [good]);
  assert(special!.loglikelihood < 0);
});
