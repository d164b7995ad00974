import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { projectFile } from "../../tests/engine.ts";
import { buildGguf, f32Tensor, string } from "../../tests/gguf_builder.ts";
import { importanceDat } from "../../tests/importance.ts";
import { makeModel } from "../../tests/models.ts";
import { splitGguf } from "../gguf/split_file.ts";
import { quantizeFile, type QuantizeFileOptions } from "./quantize_file.ts";
import { inTempFolder } from "../../tests/temp_folder.ts";

/** Runs what must fail, and leave nothing. */
async function refused(
  input: Uint8Array<ArrayBuffer> | string,
  type: string,
  options: QuantizeFileOptions = {},
): Promise<Error> {
  let error: Error | undefined;
  await inTempFolder(async (folder) => {
    const output = join(folder, "out.gguf");
    error = await assertRejects(
      () => quantizeFile(input, output, type, { workers: 0, ...options }),
      Error,
    );
    assertEquals([...Deno.readDirSync(folder)], []);
  });
  return error!;
}

/** A model of one matrix, `[rows, columns]`. */
function oneMatrix(
  values: readonly number[],
  columns: number,
): Uint8Array<ArrayBuffer> {
  const shape = [columns, values.length / columns];
  return buildGguf({
    metadata: { "general.architecture": string("llama") },
    tensors: [f32Tensor("blk.0.ffn_up.weight", shape, values)],
  });
}

/** Zeros with some other values among them. */
function zerosBut(
  length: number,
  others: Record<number, number>,
): number[] {
  const values = Array.from({ length }, () => 0);
  for (const [i, value] of Object.entries(others)) values[Number(i)] = value;
  return values;
}

for (const workers of [0, 1]) {
  Deno.test(`quantizeFile() says where a weight is not finite with ${workers} workers`, async () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const input = oneMatrix(zerosBut(96, { 69: bad }), 32);
      const error = await refused(input, "Q4_0", { workers });
      assert(error instanceof RangeError);
      assertEquals(
        error.message,
        'Cannot quantize "blk.0.ffn_up.weight" to Q4_0: weight 5 of row 2 is ' +
          `${bad}, a finite number is wanted`,
      );
    }
  });
}

Deno.test("quantizeFile() says where a weight is too large for the format", async () => {
  const largest: Record<string, number> = {
    F16: 65504,
    Q8_0: 65504 * 127,
    Q4_1: 65504 * 15,
    Q6_K: 65504 * 128 * 30,
    IQ4_XS: 65504 * 31 * 100,
  };
  for (const [type, size] of Object.entries(largest)) {
    const input = (value: number) =>
      oneMatrix(zerosBut(1024, { 700: value }), 256);
    const error = await refused(input(size * 4), type);
    assertEquals(
      error.message,
      `Cannot quantize "blk.0.ffn_up.weight" to ${type}: row 2 has weights ` +
        "that are too large for it",
    );
    await inTempFolder(async (folder) => {
      const output = join(folder, "out.gguf");
      await quantizeFile(input(size * 0.9), output, type, { workers: 0 });
    });
  }
});

Deno.test("quantizeFile() says which row it is when rows are many", async () => {
  const columns = 2 ** 15;
  const input = oneMatrix(
    zerosBut(40 * columns, { [39 * columns]: NaN }),
    columns,
  );
  const { message } = await refused(input, "Q4_0", { workers: 2 });
  assert(message.includes("weight 0 of row 39 is NaN"), message);
});

const MADE = { dim: 256, hiddenDim: 256, layers: 1, heads: 4, kvHeads: 2 };

Deno.test("quantizeFile() needs importance for Q2_K_S, of each matrix", async () => {
  const model = makeModel(MADE);
  const { message } = await refused(model, "q2_k_s");
  assert(message.includes("needs an importance matrix"), message);
  const entry = (columns: number) =>
    importanceDat([{
      name: "blk.0.attn_k.weight",
      calls: 1,
      sums: Array.from({ length: columns }, () => 1),
    }]);
  const short = await refused(model, "q4_0", { importance: entry(255) });
  assert(short instanceof RangeError);
  assert(short.message.includes("255 values, 256 are wanted"), short.message);
  const missing = await refused(model, "q4_0", { importance: entry(256) });
  const wanted = 'it has no entry "blk.0.attn_output.weight"';
  assert(missing.message.includes(wanted), missing.message);
});

Deno.test("quantizeFile() refuses options that make no sense", async () => {
  const model = makeModel(MADE);
  const cases: [string, QuantizeFileOptions, string][] = [
    ["Q9", {}, 'Cannot quantize to "Q9"'],
    ["IQ2_XS", {}, 'Cannot quantize to "IQ2_XS"'],
    ["q4_0", { outputTensorType: "q4_k_m" }, 'Cannot quantize to "q4_k_m"'],
    ["q4_0", { tokenEmbeddingType: "" }, 'Cannot quantize to ""'],
    ["q4_0", { workers: -1 }, "workers is -1"],
    ["q4_0", { workers: 1.5 }, "workers is 1.5"],
    ["q4_0", { importance: model }, "its general.type is missing"],
    ["q4_0", { importance: "no such file" }, "no such file"],
  ];
  for (const [type, options, wanted] of cases) {
    const { message } = await refused(model, type, options);
    assert(message.includes(wanted), message);
  }
});

Deno.test("quantizeFile() refuses a device that there is not", async () => {
  const options = { device: "tpu" } as unknown as QuantizeFileOptions;
  const error = await refused(oneMatrix(zerosBut(32, {}), 32), "q8_0", options);
  assert(error instanceof TypeError);
  assertEquals(
    error.message,
    'Cannot quantize: the device is "tpu", one of auto, gpu, cpu is wanted',
  );
});

Deno.test("quantizeFile() refuses what is no model", async () => {
  const cases: [Uint8Array<ArrayBuffer> | string, string][] = [
    [new Uint8Array(), "it is empty"],
    [buildGguf({}), "it has no tensors"],
    [makeModel(MADE).subarray(0, 100_000), "Cannot read"],
    ["no such file", "no such file"],
  ];
  for (const [input, wanted] of cases) {
    const { message } = await refused(input, "q8_0");
    assert(message.includes(wanted), message);
  }
});

Deno.test("quantizeFile() leaves the old output when it is aborted", async () => {
  const input = projectFile("models/stories260k-f32.gguf");
  for (const workers of [0, 2]) {
    await inTempFolder(async (folder) => {
      const output = join(folder, "out.gguf");
      await Deno.writeTextFile(output, "old");
      const controller = new AbortController();
      const { signal } = controller;
      const reason = new Error("enough");
      let steps = 0;
      const onProgress = () => {
        if (++steps === 3) controller.abort(reason);
      };
      const options = { workers, signal, onProgress };
      const error = await assertRejects(
        () => quantizeFile(input, output, "q6_k", options),
      );
      assertEquals(error, reason);
      assertEquals(await Deno.readTextFile(output), "old");
      assertEquals([...Deno.readDirSync(folder)].length, 1);
    });
  }
});

Deno.test("quantizeFile() does not replace a part of what it reads", async () => {
  await inTempFolder(async (folder) => {
    const input = projectFile("models/stories260k-f32.gguf");
    const prefix = join(folder, "m");
    const parts = await splitGguf(input, prefix, { maxTensors: 30 });
    const before = await Promise.all(parts.map((path) => Deno.readFile(path)));
    for (const part of parts) {
      for (const location of [part, pathToFileURL(part)]) {
        const error = await assertRejects(
          () => quantizeFile(location, parts[1]!, "q8_0", { workers: 0 }),
          Error,
        );
        assertEquals(
          error.message,
          `Cannot write "${parts[1]}": it is what is read, another name is ` +
            "wanted",
        );
      }
    }
    assertEquals(
      await Promise.all(parts.map((path) => Deno.readFile(path))),
      before,
    );
  });
});

Deno.test("quantizeFile() starts nothing when it is aborted before", async () => {
  const signal = AbortSignal.abort(new Error("never"));
  const { message } = await refused(makeModel(MADE), "q8_0", { signal });
  assertEquals(message, "never");
});
