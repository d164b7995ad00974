import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type GenerateOptions,
  loadModel,
  type LogitsContext,
  type Model,
} from "../mod.ts";
import { madeIds, makeModel } from "./models.ts";
import { outcome } from "./workers.ts";

// Whatever chooses the tokens, and wherever: the same ones for the same seed.

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 256 });
const PROMPT = madeIds(40);
const BASE = { maxTokens: 24, ignoreEos: true, seed: 5 };

async function idsOf(
  model: Model,
  options: GenerateOptions,
  prompt = PROMPT,
): Promise<number[]> {
  const all = { ...BASE, ...options };
  return (await model.generate(prompt, all).result()).ids;
}

/** What the kernels can choose by, with biases. */
const ON_GPU: [string, GenerateOptions][] = [
  ["greedily", { logitBias: { 70: 3, 80: -1 }, bannedTokens: [60, 61] }],
  ["by all of the rule", {
    preset: "llama.cpp",
    repeatPenalty: 1.2,
    logitBias: [["the", 2], ["a", -2]],
    bannedTokens: [" the", 90, 91],
  }],
  ["among two tokens", {
    temperature: 3,
    bannedTokens: Array.from({ length: 298 }, (_, i) => i),
  }],
];

for (const [name, options] of ON_GPU) {
  Deno.test(`biased tokens are chosen ${name} alike in every way`, async () => {
    await using model = await loadModel(MODEL);
    const expected = await idsOf(model, { ...options, steps: 1, reuse: false });
    const ways: GenerateOptions[] = [
      { steps: 7 },
      {},
      { sampler: "gpu" },
      { sampler: "cpu" },
      { logprobs: true },
      { speculation: "lookup" },
      { onLogits: () => {} },
    ];
    for (const way of ways) {
      assertEquals(await idsOf(model, { ...options, ...way }), expected);
    }
    // A kept sequence forgets the biases of the generation before it.
    const plain = await idsOf(model, {});
    await using fresh = await loadModel(MODEL);
    assertEquals(plain, await idsOf(fresh, {}));
    assertNotEquals(plain, expected);
  });
}

Deno.test("a bias decides what is chosen, and a ban holds", async () => {
  await using model = await loadModel(MODEL);
  const [first] = await idsOf(model, {});
  const banned = await idsOf(model, { bannedTokens: [first!] });
  assert(!banned.includes(first!));
  assertEquals(
    await idsOf(model, { logitBias: { 77: 1e6 }, maxTokens: 3 }),
    [77, 77, 77],
  );
  const both = { logitBias: { 77: 1e6 }, bannedTokens: [77] };
  assert(!(await idsOf(model, both)).includes(77));
  // What the model itself says of a token is not what it is given.
  const options = { ...BASE, maxTokens: 1, logprobs: true };
  const logprobOf = async (bias: number) => {
    const all = { ...options, logitBias: { [first!]: bias } };
    const [piece] = await Array.fromAsync(model.generate(PROMPT, all));
    return piece!.logprob;
  };
  assertEquals(await logprobOf(50), await logprobOf(0));
});

const ON_CPU: [string, GenerateOptions][] = [
  ["dry", { temperature: 1, dryMultiplier: 1, dryAllowedLength: 1 }],
  ["xtc", { temperature: 1, xtcProbability: 0.5, xtcThreshold: 0.02 }],
  ["mirostat", { temperature: 1, mirostat: 2, mirostatTau: 3 }],
  ["typical-p", { temperature: 1, typicalP: 0.5, logitBias: { 70: 2 } }],
  ["another order", {
    temperature: 2,
    topK: 9,
    topP: 0.7,
    samplers: ["temperature", "top_p", "top_k"],
  }],
  ["stories", { preset: "creative" }],
];

Deno.test("samplers of the CPU give the same text for the same seed, also in a worker", async () => {
  await using model = await loadModel(MODEL);
  await using there = await loadModel(MODEL, { worker: true });
  for (const [name, options] of ON_CPU) {
    const ids = await idsOf(model, options);
    assertEquals(await idsOf(model, { ...options, sampler: "cpu" }), ids, name);
    assertEquals(await idsOf(there, options), ids, name);
    assertNotEquals(await idsOf(model, { ...options, seed: 6 }), ids, name);
    const { seed } = await model.generate(PROMPT, {
      ...BASE,
      ...options,
      maxTokens: 1,
    }).result();
    assertEquals(seed, BASE.seed);
  }
});

for (const worker of [false, true]) {
  const where = worker ? "in a worker" : "in this thread";
  Deno.test(`a hook gets the logits of each step, and changes them (${where})`, async () => {
    await using model = await loadModel(MODEL, { worker });
    const plain = await idsOf(model, {});
    const seen: (LogitsContext & { best: number; size: number })[] = [];
    const hooked = await idsOf(model, {
      bannedTokens: [99],
      onLogits: (logits, { ids, step }) => {
        const best = logits.indexOf(Math.max(...logits));
        seen.push({ ids, step, best, size: logits.length });
        assertEquals(logits[99], -Infinity);
        if (step === 2) logits[(best + 1) % 256] = 1e6;
      },
    });
    assertEquals(seen.length, BASE.maxTokens);
    assertEquals(hooked.slice(0, 2), plain.slice(0, 2));
    assertEquals(hooked[2], (seen[2]!.best + 1) % 256);
    for (const [i, { ids, step, best, size }] of seen.entries()) {
      assertEquals(step, i);
      assertEquals(ids, [...PROMPT, ...hooked.slice(0, i)]);
      assertEquals(size, model.tokenizer.size);
      if (i !== 2) assertEquals(hooked[i], best);
    }
  });

  Deno.test(`a hook may take its time (${where})`, async () => {
    await using model = await loadModel(MODEL, { worker });
    const ids = await idsOf(model, {
      maxTokens: 3,
      onLogits: async (logits, { step }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        logits[60 + step] = 1e6;
      },
    });
    assertEquals(ids, [60, 61, 62]);
  });

  Deno.test(`what a hook throws ends the generation (${where})`, async () => {
    await using model = await loadModel(MODEL, { worker });
    const plain = await idsOf(model, {});
    const problem = new RangeError("No more");
    const throwing = (step: number) => ({
      ...BASE,
      onLogits: async (_: Float32Array, context: LogitsContext) => {
        if (context.step === step) throw problem;
        await Promise.resolve();
      },
    });
    for (const step of [0, 3]) {
      const generation = model.generate(PROMPT, throwing(step));
      const pieces: number[] = [];
      const read = async () => {
        for await (const { id } of generation) pieces.push(id);
      };
      const error = await assertRejects(read, RangeError);
      assert(error === problem);
      assertEquals(await generation.result().catch((error) => error), problem);
      assert(pieces.length <= step && pieces.every((id, i) => id === plain[i]));
    }
    // The model goes on as if nothing had been.
    assertEquals(await idsOf(model, {}), plain);
  });

  Deno.test(`a hook that leaves nothing to choose from is told so (${where})`, async () => {
    await using model = await loadModel(MODEL, { worker });
    for (const value of [NaN, -Infinity]) {
      for (const options of [{}, { temperature: 1 }, { typicalP: 0.5 }]) {
        const onLogits = (logits: Float32Array) => void logits.fill(value);
        await assertRejects(
          () => idsOf(model, { ...options, onLogits }),
          Error,
          "Cannot generate: onLogits leaves NaN or nothing to choose from",
        );
      }
    }
  });

  Deno.test(`a generation stops while its hook is at work (${where})`, async () => {
    await using model = await loadModel(MODEL, { worker });
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("enough");
    const options = {
      ...BASE,
      signal,
      onLogits: async (_: Float32Array, { step }: LogitsContext) => {
        if (step < 2) return;
        controller.abort(reason);
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
    };
    const error = await assertRejects(
      () => model.generate(PROMPT, options).result(),
      Error,
    );
    assert(error === reason);
    // Who leaves does not wait for more either.
    for await (const _ of model.generate(PROMPT, { ...BASE, onLogits() {} })) {
      break;
    }
    assertEquals((await idsOf(model, { maxTokens: 2 })).length, 2);
  });
}

Deno.test("a grammar holds where all that it allows is ruled out: there is no text", async () => {
  await using model = await loadModel(MODEL);
  const grammar = { kind: "regex", pattern: "[abc]{4}" } as const;
  const options = { ...BASE, ignoreEos: false, grammar };
  const some = { bannedTokens: ["a", "b"] };
  const ways: GenerateOptions[] = [
    {},
    { temperature: 1 },
    { sampler: "cpu" },
    { temperature: 1, sampler: "cpu" },
    { temperature: 1, typicalP: 0.9 },
    { onLogits: () => {} },
  ];
  for (const way of ways) {
    const all = { ...options, ...way };
    const { text } = await model.generate(PROMPT, { ...all, ...some }).result();
    assertEquals(text, "cccc");
    await assertRejects(
      () =>
        model.generate(PROMPT, { ...all, bannedTokens: ["a", "b", "c"] })
          .result(),
      Error,
      "all tokens that the grammar allows are ruled out",
    );
  }
  const lastOnly = (logits: Float32Array) =>
    void logits.fill(-Infinity, 0, logits.length - 1);
  const hooked = { ...options, onLogits: lastOnly };
  await assertRejects(
    () => model.generate(PROMPT, hooked).result(),
    Error,
    "all tokens that the grammar allows are ruled out",
  );
});

Deno.test("options that only the CPU can do refuse the GPU and guesses", async () => {
  await using model = await loadModel(MODEL);
  const cases: [GenerateOptions, string][] = [
    [{ xtcProbability: 0.5 }, "xtcProbability"],
    [{ mirostat: 1, temperature: 1 }, "mirostat"],
    [
      { temperature: 2, topK: 2, samplers: ["temperature", "topK"] },
      "samplers",
    ],
    [{ onLogits: () => {} }, "onLogits"],
  ];
  for (const [options, name] of cases) {
    assertThrows(
      () => model.generate(PROMPT, { ...options, sampler: "gpu" }),
      TypeError,
      `Cannot generate: sampler is "gpu", ${name} is applied on the CPU`,
    );
    assertThrows(
      () => model.generate(PROMPT, { ...options, speculation: "lookup" }),
      TypeError,
      `${name} reads the logits of each step, speculation is wanted without`,
    );
  }
  const wrong = {
    onLogits: ["x", "onLogits is x, a function is wanted"],
    onEvent: [3, "onEvent is 3, a function is wanted"],
    onPrompt: [null, "onPrompt is null, a function is wanted"],
    stop: [[3], "stop is [3], a string, or an array of strings is wanted"],
  } as const;
  for (const [name, [value, message]] of Object.entries(wrong)) {
    const options = { [name]: value as never };
    const generate = () => model.generate(PROMPT, options);
    assertThrows(generate, TypeError, message);
  }
  for (const stop of [null, 5] as unknown as string[]) {
    const generate = () => model.generate(PROMPT, { stop });
    assertThrows(generate, TypeError, `stop is ${stop}, a string`);
  }
  const text = () => model.generate(PROMPT, { bannedTokens: ["no token"] });
  assertThrows(text, RangeError, 'the text "no token" is no token');
});

Deno.test("a draft model guesses only where tokens are chosen on the GPU", async () => {
  await using model = await loadModel(MODEL, { draft: MODEL });
  const statistics = async (options: GenerateOptions) =>
    (await outcome(model.generate(PROMPT, { ...BASE, ...options })))
      .speculation;
  const { accepted = 0 } = await statistics({ logitBias: { 70: 1 } }) ?? {};
  assertGreater(accepted, 0);
  assertEquals(await statistics({ dryMultiplier: 1 }), undefined);
  assertEquals(await statistics({ onLogits: () => {} }), undefined);
});
