import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  loadModel,
  type LoadProgress,
  type PackedType,
  planModel,
} from "../mod.ts";
import { quantizeFile } from "../src/quantize/quantize_file.ts";
import { runCli } from "./cli.ts";
import { countBuffers } from "./count_buffers.ts";
import { continueIds } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";
import { abortedAt } from "./workers.ts";

const PROMPT = madeIds(20);
const options = { maxTokens: 24, ignoreEos: true };

/** A model whose rows are whole blocks of 256 in some matrices only. */
function made(format: string, change: { tied?: boolean } = {}): Uint8Array {
  const sizes = { dim: 256, hiddenDim: 320, heads: 4, kvHeads: 2 };
  return makeModel({ ...sizes, ...change, format, contextLength: 256 });
}

const F16 = made("F16");

/** The file that `quantizeFile()` writes. */
async function quantized(
  bytes: Uint8Array,
  as: PackedType,
): Promise<Uint8Array> {
  const path = await Deno.makeTempFile();
  try {
    await quantizeFile(bytes, path, as, { pure: true, workers: 0 });
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Greedy ids, and what else shows which weights they came of. */
async function outcome(
  input: Uint8Array,
  load: { as?: PackedType; worker?: boolean } = {},
) {
  await using model = await loadModel(input, load);
  const { weights, totalBytes } = model.plan().models[0]!;
  return {
    ids: await continueIds(model, PROMPT, options),
    score: (await model.score(PROMPT)).loglikelihood,
    types: weights.map(({ type, bytes }) => [type, bytes]),
    totalBytes,
  };
}

for (
  const [format, as] of [
    ["F32", "q4_0"],
    ["F16", "q4_k"],
    ["BF16", "q8_0"],
    ["BF16", "q4_k"],
  ] as [string, PackedType][]
) {
  const tied = as === "q8_0";
  Deno.test(`loadModel() of ${format} as ${as} is what the quantized file is`, async () => {
    const file = made(format, { tied });
    const expected = await outcome(await quantized(file, as));
    assertEquals(await outcome(file, { as }), expected);
  });
}

Deno.test("loadModel() quantizes in a worker as it does in this thread", async () => {
  const expected = await outcome(F16, { as: "q4_0" });
  assertEquals(await outcome(F16, { as: "q4_0", worker: true }), expected);
  assertNotEquals((await outcome(F16)).types, expected.types);
});

Deno.test({
  name: "loadModel() quantizes in this thread where it may not start workers",
  permissions: "none",
  fn: async () => {
    const types = (await outcome(F16, { as: "q8_0" })).types;
    assertEquals(types.map(([type]) => type), ["Q8_0", "F32"]);
  },
});

Deno.test("loadModel() tells how far it is in bytes of the file", async () => {
  const seen: LoadProgress[] = [];
  await using _ = await loadModel(F16, {
    as: "q4_0",
    onProgress: (progress) => seen.push(progress),
  });
  const { loadedBytes, totalBytes, loadedTensors, totalTensors } = seen.at(-1)!;
  assertEquals([loadedBytes, loadedTensors], [totalBytes, totalTensors]);
  assert(totalBytes > F16.length * 0.9);
});

Deno.test("loadModel() refuses to quantize what is quantized, and to other types", async () => {
  await assertRejects(
    () => loadModel(made("Q4_0"), { as: "q8_0" }),
    Error,
    'as q8_0: tensor "token_embd.weight" is Q4_0 already, one of F32, F16, BF16',
  );
  for (const load of [loadModel, planModel]) {
    await assertRejects(
      () => load(F16, { as: "q3_k" as PackedType }),
      TypeError,
      'Cannot load model: as is "q3_k", one of q4_0, q4_k, q8_0 is wanted',
    );
  }
});

Deno.test("loadModel() says which weight it cannot quantize, and frees all", async () => {
  const bad = makeModel({
    format: "F32",
    change: (tensors) =>
      tensors.map((tensor) => {
        if (!tensor.name.includes("ffn_up")) return tensor;
        const data = new Uint8Array(tensor.data!);
        new DataView(data.buffer).setFloat32(4 * 40, NaN, true);
        return { ...tensor, data };
      }),
  });
  await countBuffers(async (count) => {
    await assertRejects(
      () => loadModel(bad, { as: "q4_0" }),
      RangeError,
      'Cannot quantize "blk.0.ffn_up.weight" to Q4_0: weight 8 of row 1 is NaN',
    );
    assertEquals(count.liveBytes, 0);
  });
});

Deno.test("loadModel() ends what quantizes when it is aborted", async () => {
  const reason = { any: "reason" };
  for (const ms of [5, 20, 40, 60]) {
    await countBuffers(async (count) => {
      const signal = abortedAt(ms, reason);
      const load = async () => {
        while (true) {
          await using _ = await loadModel(F16, { as: "q4_k", signal });
        }
      };
      assertStrictEquals(await load().catch((error) => error), reason);
      assertEquals(count.liveBytes, 0);
    });
  }
});

Deno.test("a session is not restored on a model that was quantized otherwise", async () => {
  const path = await Deno.makeTempFile();
  try {
    await using whole = await loadModel(F16);
    await using session = whole.session().append("abc");
    await session.prefill();
    await session.save(path);
    await using packed = await loadModel(F16, { as: "q8_0" });
    await assertRejects(
      () => packed.restoreSession(path),
      Error,
      "another model",
    );
    await using again = await whole.restoreSession(path);
    assertEquals(again.text, session.text);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("planModel() proposes to quantize where floats do not fit", async () => {
  const { totalBytes } = await planModel(F16, { as: "q8_0" });
  const plan = await planModel(F16, { memory: totalBytes });
  assertEquals(plan.fits, false);
  const [better] = plan.alternatives.filter(({ as }) => as !== undefined);
  const fits = await planModel(F16, { memory: totalBytes, ...better! });
  assertEquals([fits.fits, fits.models[0]!.weights[0]!.fileTypes], [true, [
    "F16",
  ]]);
});

Deno.test("seraph generate --as quantizes at load", async () => {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, F16);
    const args = `generate ${path} --as q4_0 --prompt a --max-tokens 2`;
    assertEquals((await runCli(args)).code, 0);
    const plan = await runCli(`inspect --plan ${path} --as q4_0`);
    assert(plan.stdout.includes("F16 in the file"), plan.stdout);
  } finally {
    await Deno.remove(path);
  }
});
