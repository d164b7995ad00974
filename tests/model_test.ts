import { loadModel } from "../mod.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";
import { f32, string } from "./gguf_builder.ts";
import { assertMatchesOracle, scoredLogits } from "./engine.ts";
import { assertNmse } from "./gpu.ts";
import { llamaOracle } from "./llama_oracle.ts";
import { madeIds, type MadeModelOptions, makeModel } from "./models.ts";

/** Registers a test of one model, with subgroups and without. */
function oracleTest(
  what: string,
  options: MadeModelOptions,
  length = 20,
): void {
  for (const subgroups of [true, false]) {
    const variant = subgroups ? "" : " (no subgroups)";
    Deno.test(`a model with ${what} gives the oracle's logits${variant}`, () =>
      assertMatchesOracle(makeModel(options), {
        ids: madeIds(length),
        subgroups,
      }));
  }
}

for (const { name: format, fileBlock } of CODECS.values()) {
  const size = fileBlock.weights > 32
    ? { dim: 256, hiddenDim: 256, layers: 1 }
    : { dim: 64, hiddenDim: 96 };
  oracleTest(`${format} weights`, { format, ...size });
}

for (
  const [heads, kvHeads] of [[1, 1], [4, 4], [4, 1], [6, 3], [8, 2], [9, 3]]
) {
  oracleTest(`${heads} heads on ${kvHeads}`, {
    dim: 72,
    heads: heads!,
    kvHeads: kvHeads!,
    headDim: 8,
  });
}

for (const headDim of [2, 6, 10, 48, 80, 128, 256]) {
  const heads = { heads: 2, kvHeads: 1, headDim };
  oracleTest(`heads of ${headDim}`, { ...heads, layers: 1 });
}

for (const format of ["F32", "F16", "BF16"]) {
  oracleTest(`odd widths in ${format}`, {
    dim: 50,
    heads: 5,
    kvHeads: 1,
    hiddenDim: 77,
    format,
  });
}
oracleTest("an odd number of rows in Q8_0", {
  hiddenDim: 77,
  format: (name) => /gate|up/.test(name) ? "Q8_0" : "F16",
});
oracleTest("widths of a few", { dim: 4, heads: 1, kvHeads: 1, hiddenDim: 1 });

oracleTest("a type for each tensor", {
  dim: 64,
  hiddenDim: 64,
  format: (name) => {
    const types = [
      [".attn_q.", "Q8_0"],
      [".attn_k.", "Q4_0"],
      [".attn_v.", "F16"],
      [".ffn_gate.", "BF16"],
      [".ffn_up.", "Q8_0"],
      [".ffn_down.", "Q4_0"],
      ["token_embd.", "Q4_0"],
    ];
    return types.find(([part]) => name.includes(part!))?.[1] ?? "F32";
  },
});
oracleTest("types that differ from layer to layer", {
  dim: 64,
  layers: 3,
  format: (name) => name.startsWith("blk.1") ? "Q8_0" : "F16",
});
for (const format of ["F16", "Q8_0"]) {
  oracleTest(`a tied head in ${format}`, { format, tied: true });
}

oracleTest("rope over half of a head", { dim: 64, ropeDims: 8 });
oracleTest("rope frequency factors", {
  dim: 64,
  ropeFreqs: [1, 1, 1.5, 2, 4, 8, 8, 8],
});
oracleTest("linear rope scaling", {
  metadata: {
    "llama.rope.scaling.type": string("linear"),
    "llama.rope.scaling.factor": f32(4),
  },
});
oracleTest("another rope base and epsilon", {
  metadata: {
    "llama.rope.freq_base": f32(500000),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-2),
  },
});
oracleTest("no number of KV heads", {
  kvHeads: 4,
  metadata: { "llama.attention.head_count_kv": undefined },
});
oracleTest("a text as long as its context", { contextLength: 45 }, 40);

Deno.test("a model gives the same logits in batches of any size", async () => {
  const bytes = makeModel({ dim: 64, format: "Q8_0", contextLength: 80 });
  const ids = madeIds(61);
  for (const batchSize of [1, 2, 7, 60, 61, 512]) {
    await assertMatchesOracle(bytes, { ids, batchSize });
  }
});

Deno.test("a model with a KV cache in f16 stays near the oracle", async () => {
  const bytes = makeModel({ dim: 60, headDim: 10, contextLength: 80 });
  const ids = madeIds(61);
  for (const batchSize of [1, 512]) {
    await assertMatchesOracle(bytes, {
      ids,
      batchSize,
      kv: "f16",
      limit: 1e-5,
    });
  }
});

/** Runs `fn` while every new device has smaller limits than it could have. */
async function withLimits(
  limits: Partial<Record<keyof GPUSupportedLimits, number>>,
  fn: () => Promise<void>,
): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(GPUDevice.prototype, "limits")!;
  Object.defineProperty(GPUDevice.prototype, "limits", {
    configurable: true,
    get() {
      const real = own.get!.call(this);
      return new Proxy(real, {
        get: (_, name: keyof GPUSupportedLimits) => limits[name] ?? real[name],
      });
    },
  });
  try {
    await fn();
  } finally {
    Object.defineProperty(GPUDevice.prototype, "limits", own);
  }
}

for (const format of ["F32", "Q8_0"]) {
  Deno.test(`a model of ${format} whose matrices are cut into many bindings gives the oracle's logits`, async () => {
    const size = { dim: 256, hiddenDim: 640, layers: 1 };
    const bytes = makeModel({ ...size, format });
    // 288 rows of 256 floats: what the self-test at load takes just fits.
    const limits = { maxStorageBufferBindingSize: 288 * 256 * 4 };
    await withLimits(limits, async () => {
      for (const batchSize of [1, 7]) {
        await assertMatchesOracle(bytes, { ids: madeIds(20), batchSize });
      }
    });
  });
}

Deno.test("a model on a device of few workgroups gives the oracle's logits", async () => {
  const bytes = makeModel({ dim: 64, hiddenDim: 200, format: "F16" });
  const limits = { maxComputeWorkgroupsPerDimension: 40 };
  await withLimits(
    limits,
    () => assertMatchesOracle(bytes, { ids: madeIds(20) }),
  );
});

Deno.test("a model with more embeddings than tokens gives the oracle's logits", async () => {
  const bytes = makeModel({
    change: (tensors) =>
      tensors.map((tensor) => {
        const isEmbedding = /^(token_embd|output)\.weight$/.test(tensor.name);
        if (!isEmbedding) return tensor;
        const { data, shape: [dim, rows] } = tensor;
        const longer = new Uint8Array(data!.length + 4 * dim! * 5);
        longer.set(data!);
        return { ...tensor, data: longer, shape: [dim!, rows! + 5] };
      }),
  });
  await using model = await loadModel(bytes, { kv: "f32" });
  const ids = madeIds(20);
  const actual = (await scoredLogits(model, ids)).flatMap((row) => [...row]);
  const expected = (await llamaOracle(bytes)).logits(ids);
  assertNmse(actual, expected.flatMap((row) => [...row]), 1e-10);
});
