import { assert, assertEquals, assertLess } from "@std/assert";
import { findShape } from "../../bench/synthetic/shapes.ts";
import { describeTensors } from "../../bench/synthetic/tensors.ts";
import {
  type MemoryPlan,
  type PlanInput,
  planMemory,
  type PlannedDevice,
} from "./plan.ts";
import { formatPlan } from "./plan_table.ts";

const GIB = 2 ** 30;

/** A GPU of a kind that there is, of which nothing is known to be free. */
const DEVICE: PlannedDevice = {
  name: "a GPU",
  isSoftware: false,
  maxBufferSize: 4 * GIB,
  maxStorageBufferBindingSize: 2 * GIB,
  maxComputeWorkgroupsPerDimension: 65535,
  freeBytes: null,
};

function inputOf(
  shape: string,
  type: string,
  options: Partial<PlanInput> = {},
): PlanInput {
  const config = findShape(shape);
  const tensors = describeTensors(config, type);
  const model = { label: shape, config, tensors, tokens: 32000 };
  return {
    models: [model],
    contextLength: 4096,
    batchSize: 512,
    kv: "f16",
    int8: false,
    ...options,
  };
}

function free(gib: number): PlannedDevice {
  return { ...DEVICE, freeBytes: gib * GIB };
}

/** Plans again with what was proposed. */
function take(
  input: PlanInput,
  { contextLength, kv }: MemoryPlan["alternatives"][number],
  device: PlannedDevice,
): Promise<MemoryPlan> {
  return planMemory({ ...input, contextLength, kv }, device);
}

Deno.test("planMemory() sums up what a 13B model takes", async () => {
  const plan = await planMemory(inputOf("llama13b", "Q8_0"), DEVICE);
  const [model] = plan.models;
  assertEquals([plan.fits, plan.problem, plan.availableBytes], [
    null,
    null,
    null,
  ]);
  const parameters = 2 * 32000 * 5120 + 40 * (4 * 5120 ** 2 + 3 * 5120 * 13824);
  const norms = 81 * 5120 * 4;
  assertEquals(model!.weightBytes, parameters / 32 * 34 + norms);
  assertEquals(model!.kvBytes, 2 * 40 * 4096 * 5120 * 2);
  assertEquals(model!.kvBytes, 4096 * model!.kvBytesPerPosition);
  const { weightBytes, kvBytes, scratchBytes, logitsBytes } = model!;
  const sum = weightBytes + kvBytes + scratchBytes + logitsBytes;
  assertEquals([model!.totalBytes, plan.totalBytes], [sum, sum]);
  assertLess(scratchBytes, 256 * 2 ** 20);
  assertLess(model!.staging.queuedBytes, 256 * 2 ** 20);
});

Deno.test("planMemory() tells into how many slices weights are cut", async () => {
  const small = { ...DEVICE, maxStorageBufferBindingSize: 128 * 2 ** 20 };
  const { models: [model] } = await planMemory(
    inputOf("llama7b", "F16"),
    small,
  );
  const [weights] = model!.weights;
  assertEquals([weights!.type, weights!.slices], ["F16", 2]); // the embedding
});

Deno.test("planMemory() proposes contexts and types that fit, and no longer ones", async () => {
  const input = inputOf("llama13b", "Q4_0", { contextLength: 8192 });
  for (const gib of [12.5, 10, 8]) {
    const device = free(gib);
    const plan = await planMemory(input, device);
    assertEquals(plan.fits, false);
    assert(plan.problem!.includes("GiB"), plan.problem!);
    assertEquals(plan.alternatives.map(({ kv }) => kv), ["f16", "q8_0"]);
    for (const one of plan.alternatives) {
      assertEquals((await take(input, one, device)).fits, true);
      if (one.contextLength === input.contextLength) continue;
      const contextLength = one.contextLength + 256;
      const longer = await take(input, { ...one, contextLength }, device);
      assertEquals(longer.fits, false);
    }
  }
  // With half of the bytes a position the whole context fits.
  const { alternatives } = await planMemory(input, free(12.5));
  assertEquals(alternatives[1]!.contextLength, 8192);
});

Deno.test("planMemory() has nothing to propose where the weights alone do not fit", async () => {
  const plan = await planMemory(inputOf("llama13b", "Q4_0"), free(6));
  assertEquals([plan.fits, plan.alternatives], [false, []]);
});

Deno.test("planMemory() takes a smaller batch before it gives up", async () => {
  const input = inputOf("llama7b", "Q4_0");
  const { peakBytes } = await planMemory(input, DEVICE);
  const plan = await planMemory(input, {
    ...DEVICE,
    freeBytes: (peakBytes - 2 ** 20) / 0.97,
  });
  assertEquals([plan.fits, plan.models[0]!.batchSize], [true, 256]);
});

Deno.test("planMemory() refuses a KV cache that no binding holds", async () => {
  const maxStorageBufferBindingSize = 40 * 2 ** 20 - 16;
  const small = { ...DEVICE, maxStorageBufferBindingSize };
  const plan = await planMemory(inputOf("llama13b", "Q4_0"), small);
  assertEquals(plan.fits, false);
  assert(plan.problem!.startsWith("cache.0.k takes 40.0 MiB, "), plan.problem!);
  // In steps of 256 positions of 10 KiB.
  assertEquals(
    plan.alternatives.map(({ contextLength, kv }) => [contextLength, kv]),
    [[3840, "f16"], [4096, "q8_0"]],
  );
});

Deno.test("planMemory() asks the GPU where it is not known what is free", async () => {
  const input = inputOf("llama7b", "Q4_0");
  let asked = 0;
  const room = (bytes: number) => ({ peakBytes }: MemoryPlan) => {
    asked++;
    return Promise.resolve(peakBytes <= bytes);
  };
  const fits = await planMemory(input, DEVICE, room(100 * GIB));
  assertEquals([fits.fits, asked], [true, 1]);
  const plan = await planMemory(input, DEVICE, room(5 * GIB));
  assertEquals(plan.fits, false);
  assert(plan.problem!.startsWith("the GPU has no room for "));
  assertEquals(plan.alternatives.length, 2);
  assertLess(asked, 30);
});

Deno.test("planMemory() adds a draft up, which is loaded behind the model", async () => {
  const input = inputOf("llama7b", "Q4_0");
  const draft = inputOf("tinyllama", "Q4_0").models[0]!;
  const alone = await planMemory(input, DEVICE);
  const both = await planMemory(
    { ...input, models: [...input.models, draft] },
    DEVICE,
  );
  const [, model] = both.models;
  assertEquals(both.totalBytes, alone.totalBytes + model!.totalBytes);
  assert(both.peakBytes >= both.totalBytes);
});

Deno.test("formatPlan() fits into 80 columns", async () => {
  const input = inputOf("llama13b", "Q4_K_M");
  const [model] = input.models;
  const label = `/long/path/${"x".repeat(200)}.gguf`;
  const named = { ...input, models: [{ ...model!, label }, model!] };
  const name = "a GPU with a name that is longer than most ".repeat(3).trim();
  for (const device of [free(4), free(12), free(100), { ...DEVICE, name }]) {
    const text = formatPlan(await planMemory(named, device));
    for (const line of text.split("\n")) {
      assert(line.length <= 80 && line === line.trimEnd(), line);
    }
    assert(text.includes("weights Q4_K") && text.includes("weights Q6_K"));
    assert(text.includes("KV cache") && text.includes("draft:"));
  }
});
