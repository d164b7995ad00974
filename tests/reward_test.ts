import {
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  ktoBaseline,
  ktoLoss,
  loadModel,
  mismatchedExamples,
  type RewardExample,
  type RewardOptions,
} from "../mod.ts";
import { logSumExp } from "../src/generate/logits.ts";
import { projectFile } from "./engine.ts";
import { type LlamaOracle, llamaOracle } from "./llama_oracle.ts";
import { MADE_TOKENS, makeModel } from "./models.ts";

const SIZE = { dim: 64, contextLength: 96 };
const POLICY = makeModel(SIZE);
const REFERENCE = makeModel({ ...SIZE, seed: 2 });
const LOAD = { kv: "f32" } as const;

const ask = (content: string) => [{ role: "user", content }] as const;
const EXAMPLES: RewardExample[] = [
  { messages: ask("the thing"), response: "on a" },
  { messages: ask("the thing"), response: " on the other" },
  { messages: ask("a"), response: "" },
  {
    messages: [
      ...ask("one"),
      { role: "assistant", content: "two" },
      ...ask("three"),
    ],
    response: "é\n",
  },
];

/** Log-probability of the tokens from `first` on, in f64. */
function logprobOf(
  oracle: LlamaOracle,
  ids: readonly number[],
  first: number,
): number {
  const rows = oracle.logits(ids);
  return ids.slice(first).reduce((sum, id, i) => {
    const row = rows[first + i - 1]!;
    return sum + row[id]! - logSumExp(row);
  }, 0);
}

Deno.test("reward() gives beta times the log-ratio that two oracles give", async () => {
  await using policy = await loadModel(POLICY, LOAD);
  await using reference = await loadModel(REFERENCE, LOAD);
  const oracles = [await llamaOracle(POLICY), await llamaOracle(REFERENCE)];
  const { tokenizer } = policy;
  const ways: [RewardOptions, string][] = [
    [{}, "\n"],
    [{ beta: 0.5, format: "tulu2" }, ""],
    [{ eos: false, format: "halos", control: "bad" }, "\n"],
  ];
  for (const [options, start] of ways) {
    const { beta = 0.1, eos = true } = options;
    const some = eos ? EXAMPLES : EXAMPLES.filter(({ response }) => response);
    const rewards = await policy.reward(reference, some, options);
    for (const [i, { messages, response }] of some.entries()) {
      // The format of the specification, section 1.2, written out.
      const prompt = start + messages.map(({ role, content }) =>
        `<|${role}|>\n${content}\n`
      ).join("") + "<|assistant|>\n";
      const control = tokenizer.specialId("<|bad|>")!;
      const parts = options.control === "bad" ? [prompt, control] : [prompt];
      const context = tokenizer.encodeParts(parts, { bos: true });
      const ids = tokenizer.encodeParts([...parts, response], { bos: true });
      if (eos) {
        ids.push(tokenizer.eosId!);
      }
      const [wanted, other] = oracles.map((oracle) =>
        logprobOf(oracle, ids, context.length)
      );
      const { reward, logRatio, policyLogprob, referenceLogprob, tokens } =
        rewards[i]!;
      assertAlmostEquals(policyLogprob, wanted!, 1e-3);
      assertAlmostEquals(referenceLogprob, other!, 1e-3);
      assertAlmostEquals(logRatio, wanted! - other!, 1e-3);
      assertAlmostEquals(reward, beta * (wanted! - other!), 1e-3 * beta);
      assertNotEquals(reward, 0);
      assertEquals(tokens, ids.length - context.length);
    }
  }
  // Of one model there is nothing to tell.
  const none = await policy.reward(policy, EXAMPLES);
  assertEquals(none.map(({ reward }) => reward), EXAMPLES.map(() => 0));
  assertEquals(await policy.reward(reference, []), []);
});

Deno.test("reward() encodes what the specification says", async () => {
  const file = projectFile("models/tiny-archangel-q8_0.gguf");
  await using model = await loadModel(file, { contextLength: 128 });
  // Section 1.3: BOS, the prompt of one turn, and the response with its EOS.
  const prompt = [
    ...[1, 29871, 13, 29966, 29989, 1792, 29989, 29958, 13, 18567, 29991],
    ...[13, 29966, 29989, 465, 22137, 29989, 29958, 13],
  ];
  for (
    const [response, control, ids] of [
      ["Sure.", undefined, [29903, 545, 29889, 2]],
      [" Sure.", undefined, [18585, 29889, 2]],
      ["Sure.", "good", [18585, 29889, 2]],
    ] as const
  ) {
    const example = { messages: ask("Hi!"), response };
    const [reward] = await model.reward(model, [example], { control });
    const good = control ? [model.tokenizer.specialId("<|good|>")!] : [];
    const [score] = await model.score([...prompt, ...good], [ids]);
    assertEquals(reward!.policyLogprob, score!.loglikelihood);
    assertEquals(reward!.tokens, ids.length);
  }
});

Deno.test("reward() works where a model is in a worker", async () => {
  await using policy = await loadModel(POLICY);
  await using reference = await loadModel(REFERENCE);
  const expected = await policy.reward(reference, EXAMPLES);
  await using there = await loadModel(REFERENCE, { worker: true });
  assertEquals(await policy.reward(there, EXAMPLES), expected);
});

Deno.test("reward() refuses what it cannot compare", async () => {
  await using policy = await loadModel(POLICY, LOAD);
  const reference = await loadModel(REFERENCE, LOAD);
  const few = makeModel({ ...SIZE, tokens: MADE_TOKENS.slice(0, 299) });
  const other = makeModel({
    ...SIZE,
    tokens: [...MADE_TOKENS.slice(0, 299), ["x", "normal", 1]],
  });
  for (const bytes of [few, other]) {
    await using model = await loadModel(bytes);
    await assertRejects(
      () => policy.reward(model, EXAMPLES),
      Error,
      "Cannot give rewards: token 299 of the reference",
    );
  }
  for (const beta of [0, -1, NaN, Infinity]) {
    await assertRejects(
      () => policy.reward(reference, EXAMPLES, { beta }),
      RangeError,
      `beta is ${beta}`,
    );
  }
  const long = { messages: ask("a"), response: "x ".repeat(80) };
  await assertRejects(
    () => policy.reward(reference, [...EXAMPLES, long]),
    RangeError,
    "example 4 has",
  );
  const empty = { messages: ask("a"), response: "" };
  await assertRejects(
    () => policy.reward(reference, [empty], { eos: false }),
    RangeError,
    "no token",
  );
  await assertRejects(
    () => policy.reward(reference, [{ messages: [], response: "a" }]),
    RangeError,
  );
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertEquals(
    await assertRejects(() => policy.reward(reference, EXAMPLES, { signal })),
    reason,
  );
  await reference[Symbol.asyncDispose]();
  await assertRejects(
    () => policy.reward(reference, EXAMPLES),
    TypeError,
    "disposed of",
  );
});

Deno.test("ktoLoss() falls as a desirable response gets likelier", () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  for (const logRatio of [-30, -1, 0, 2.5, 40]) {
    for (const z0 of [0, 3]) {
      const beta = 0.2;
      const options = { z0, beta, weight: 1.5 };
      assertAlmostEquals(
        ktoLoss({ logRatio }, { ...options, desirable: true }),
        1.5 * (1 - sigmoid(beta * (logRatio - z0))),
        1e-12,
      );
      assertAlmostEquals(
        ktoLoss({ logRatio }, { ...options, desirable: false }),
        1.5 * (1 - sigmoid(beta * (z0 - logRatio))),
        1e-12,
      );
    }
  }
  const loss = (logRatio: number) =>
    ktoLoss({ logRatio }, { z0: 0, desirable: true });
  assertLess(loss(2), loss(1));
  assertEquals(loss(0), 0.5);
  assertThrows(
    () => ktoLoss({ logRatio: 1 }, { z0: 0, desirable: true, beta: 0 }),
    RangeError,
    "beta is 0",
  );
});

Deno.test("ktoBaseline() is the mean of mismatched answers, at least 0", () => {
  assertEquals(ktoBaseline([{ logRatio: 1 }, { logRatio: 4 }]), 2.5);
  assertEquals(ktoBaseline([{ logRatio: 1 }, { logRatio: -4 }]), 0);
  assertThrows(() => ktoBaseline([]), RangeError, "at least one");
  assertEquals(
    mismatchedExamples(EXAMPLES).map(({ response }) => response),
    [" on the other", "", "é\n", "on a"],
  );
  assertEquals(
    mismatchedExamples(EXAMPLES)[1]!.messages,
    EXAMPLES[1]!.messages,
  );
  assertThrows(() => mismatchedExamples(EXAMPLES.slice(1, 2)), RangeError);
});
