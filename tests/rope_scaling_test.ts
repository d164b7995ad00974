import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  inspectModel,
  loadModel,
  type LoadModelOptions,
  type RopeScalingOptions,
} from "../mod.ts";
import { runCli } from "./cli.ts";
import { assertMatchesOracle, scoredLogits } from "./engine.ts";
import { f32, type GgufValue, string, u32 } from "./gguf_builder.ts";
import { nmse } from "../src/kernels/nmse.ts";
import { madeIds, type MadeModelOptions, makeModel } from "./models.ts";

/** Wide heads, so that pairs turn at many speeds within the context. */
const SHAPE = { dim: 64, heads: 2, kvHeads: 1, headDim: 32, layers: 1 };

function keys(
  type: string,
  values: Readonly<Record<string, number>>,
): Record<string, GgufValue> {
  return {
    "llama.rope.scaling.type": string(type),
    ...Object.fromEntries(
      Object.entries(values).map((
        [name, value],
      ) => [
        `llama.rope.scaling.${name}`,
        name.endsWith("_length") ? u32(value) : f32(value),
      ]),
    ),
  };
}

const YARN = { factor: 4, "original_context_length": 64 };
const LLAMA_3 = {
  factor: 8,
  "low_freq_factor": 1,
  "high_freq_factor": 4,
  "original_context_length": 64,
};
const SHORT = Array.from({ length: 16 }, (_, i) => 1 + i / 32);
const LONG = Array.from({ length: 16 }, (_, i) => 1 + i * i / 8);

type Row = [what: string, model: MadeModelOptions, options?: LoadModelOptions];

const ROWS: Row[] = [
  ["linear scaling in its file", { metadata: keys("linear", { factor: 4 }) }],
  ["YaRN in its file", { metadata: keys("yarn", YARN) }],
  ["YaRN with all its parameters", {
    metadata: keys("yarn", {
      ...YARN,
      "attn_factor": 1.25,
      yarn_ext_factor: 0.75,
      yarn_beta_fast: 16,
      yarn_beta_slow: 0.5,
    }),
  }],
  ["YaRN over half of a head and frequency factors", {
    metadata: keys("yarn", YARN),
    ropeDims: 16,
    ropeFreqs: [1, 1, 1, 1.5, 2, 4, 8, 8],
  }],
  ["Llama 3 scaling in its file", { metadata: keys("llama3", LLAMA_3) }],
  ["LongRoPE within its original context", {
    metadata: keys("longrope", {
      "original_context_length": 256,
      "attn_factor": 2,
    }),
    ropeFactors: { short: SHORT, long: LONG },
  }],
  ["LongRoPE beyond its original context", {
    metadata: keys("longrope", { "original_context_length": 64 }),
    ropeFactors: { short: SHORT, long: LONG },
  }],
];

const OPTIONS: RopeScalingOptions[] = [
  { type: "linear", factor: 4 },
  { type: "ntk", factor: 4 },
  { type: "yarn", factor: 4 },
  { type: "yarn", factor: 3, attentionFactor: 0.9, betaFast: 8, base: 500 },
  {
    type: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 3,
    originalContext: 32,
  },
  { base: 1e6, originalContext: 256 },
];
for (const rope of OPTIONS) {
  // Trained on 64 positions, asked for more.
  const contextLength = 160;
  ROWS.push([`rope: ${JSON.stringify(rope)}`, { contextLength: 64 }, {
    rope,
    contextLength,
  }]);
}
ROWS.push(["frequency factors that NTK comes on top of", {
  ropeFreqs: Array.from({ length: 16 }, (_, i) => 1 + i / 4),
}, { rope: { type: "ntk", factor: 2 } }]);
ROWS.push(["frequency factors that llama3 takes the place of", {
  ropeFreqs: Array.from({ length: 16 }, (_, i) => 1 + i / 4),
}, {
  rope: {
    type: "llama3",
    factor: 8,
    originalContext: 32,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
  },
}]);

const ids = madeIds(72);

for (const [what, model, options = {}] of ROWS) {
  Deno.test(`a model with ${what} gives the oracle's logits`, async () => {
    const input = makeModel({ ...SHAPE, contextLength: 160, ...model });
    await assertMatchesOracle(input, { ids, limit: 1e-9, ...options });
  });
}

Deno.test("loadModel() scales in a worker as in this thread", async () => {
  const input = makeModel({ ...SHAPE, contextLength: 64 });
  const load = async (options: LoadModelOptions) => {
    const rope = { type: "yarn", factor: 4 } as const;
    await using model = await loadModel(input, { rope, ...options });
    return [model.contextLength, await scoredLogits(model, ids.slice(0, 70))];
  };
  assertEquals(await load({ worker: true }), await load({}));
});

Deno.test("loadModel() computes another text with each RoPE scaling", async () => {
  const input = makeModel({ ...SHAPE, contextLength: 160 });
  const text = ids.slice(0, 40);
  const all: number[][] = [];
  for (const rope of [{}, ...OPTIONS]) {
    await using model = await loadModel(input, { rope, kv: "f32" });
    all.push((await scoredLogits(model, text)).flatMap((row) => [...row]));
  }
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1)) assert(nmse(one, other) > 1e-6);
  }
});

Deno.test("loadModel() gives no more context than the scaling reaches", async () => {
  const input = makeModel({ ...SHAPE, contextLength: 64 });
  for (const type of ["linear", "ntk", "yarn", "llama3"] as const) {
    const rope = { type, factor: 2.5 };
    await using model = await loadModel(input, { rope });
    assertEquals(model.contextLength, 160);
    assertEquals(model.config.contextLength, 64);
    const error = await assertRejects(
      () => loadModel(input, { rope, contextLength: 161 }),
      RangeError,
    );
    assertStringIncludes(error.message, "contextLength is 161");
    assertStringIncludes(error.message, "from 1 to the model's 160 is wanted");
  }
});

Deno.test("loadModel() names the tensor that LongRoPE lacks", async () => {
  const input = makeModel(SHAPE);
  const error = await assertRejects(() =>
    loadModel(input, { rope: { type: "longrope" } })
  );
  assertStringIncludes(
    error.message,
    'tensor "rope_factors_short.weight" is missing',
  );
});

Deno.test("inspectModel() tells how a model is scaled", async () => {
  const input = makeModel({ ...SHAPE, metadata: keys("yarn", YARN) });
  const { config, problem } = await inspectModel(input);
  assertEquals(problem, null);
  const { type, factor, originalContext } = config!.ropeScaling;
  assertEquals([type, factor, originalContext], ["yarn", 4, 64]);
});

Deno.test("a model like Mistral 7B gives the oracle's logits beyond its window", async () => {
  const input = makeModel({
    dim: 128,
    hiddenDim: 224,
    layers: 3,
    heads: 8,
    kvHeads: 2,
    slidingWindow: 48,
    contextLength: 512,
    format: (name) => name.includes("output") ? "Q8_0" : "Q4_0",
    metadata: {
      "general.name": string("mistralai_mistral-7b-v0.1"),
      "llama.rope.dimension_count": u32(16),
      "llama.vocab_size": u32(300),
    },
  });
  await assertMatchesOracle(input, { ids, batchSize: 64, limit: 1e-9 });
});

Deno.test("generate takes llama.cpp's flags of RoPE scaling", async () => {
  const path = "models/stories260k-f32.gguf";
  const args = ["generate", path, "--prompt", "One day", "--max-tokens", "40"];
  const plain = await runCli(args);
  const flags =
    "--rope-scaling linear --rope-scale 4 --yarn-orig-ctx 256 --context 1024";
  const scaled = await runCli([...args, ...flags.split(" ")]);
  assertEquals([plain.code, scaled.code, scaled.stderr], [0, 0, ""]);
  assertNotEquals(scaled.stdout, plain.stdout);
  const base = await runCli([...args, "--rope-freq-base", "0"]);
  assertEquals(base.code, 1);
  assertStringIncludes(base.stderr, "rope.base is 0");
});

Deno.test("restoreSession() refuses a session of another RoPE scaling", async () => {
  const input = makeModel({
    ...SHAPE,
    contextLength: 96,
    metadata: keys("longrope", { "original_context_length": 64 }),
    ropeFactors: { short: SHORT, long: LONG },
  });
  const path = await Deno.makeTempFile();
  const text = ids.slice(0, 20);
  try {
    {
      await using model = await loadModel(input, { contextLength: 64 });
      await using session = model.session();
      await session.append(text).prefill();
      await session.save(path);
    }
    const restore = async (options: LoadModelOptions) => {
      await using model = await loadModel(input, options);
      await using session = await model.restoreSession(path);
      return session.length;
    };
    assertEquals(await restore({ contextLength: 60 }), text.length);
    const others: LoadModelOptions[] = [
      { contextLength: 65 }, // by which the other factors are chosen
      { contextLength: 64, rope: { type: "none" } },
      { contextLength: 64, rope: { base: 5000 } },
      { contextLength: 64, rope: { attentionFactor: 1.5 } },
    ];
    for (const options of others) {
      const error = await assertRejects(() => restore(options));
      assertStringIncludes(error.message, "another model, RoPE scaling");
    }
  } finally {
    await Deno.remove(path);
  }
});
