import { createHash } from "node:crypto";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { projectFile } from "../../tests/engine.ts";
import { type DatEntry, importanceDat } from "../../tests/importance.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { makeModel } from "../../tests/models.ts";
import { compareQuantized } from "../../tests/quantize_compare.ts";
import { readLlamaCppGoldens } from "../../tests/quantize_goldens.ts";
import type { GgufField } from "../gguf/field.ts";
import { readGguf } from "../gguf/reader.ts";
import { openSource } from "../gguf/source.ts";
import { readTypedGguf } from "../gguf/typed_reader.ts";
import { PACKABLE } from "../kernels/quantize/formats.ts";
import { GgufWriter } from "../gguf/writer.ts";
import { quantizeFile } from "./quantize_file.ts";
import type { QuantizeProgress } from "./write_tensors.ts";
import { inTempFolder, namesIn } from "../../tests/temp_folder.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");

async function tensorsOf(path: string | URL) {
  await using source = await openSource(path);
  const { tensors } = await readGguf(source);
  const bytes = await Deno.readFile(path);
  return new Map([...tensors.values()].map(({ name, format, ...tensor }) => [
    name,
    {
      format: format.name,
      bytes: bytes.subarray(tensor.offset, tensor.offset + tensor.bytes),
    },
  ]));
}

const GOLDENS = readLlamaCppGoldens();

for (const [type, wanted] of Object.entries(GOLDENS.files.sha256)) {
  Deno.test(`quantizeFile() writes llama.cpp's ${type} of a model, to the last byte`, async () => {
    await inTempFolder(async (folder) => {
      const output = join(folder, "out.gguf");
      const input = projectFile(GOLDENS.files.of);
      await quantizeFile(input, output, type, { workers: 0 });
      const bytes = await Deno.readFile(output);
      const hash = createHash("sha256").update(bytes).digest("hex");
      assertEquals(hash, wanted);
    });
  });
}

gpuTest(
  "quantizeFile() writes llama.cpp's bytes when the GPU packs them",
  async () => {
    for (const [type, wanted] of Object.entries(GOLDENS.files.sha256)) {
      await inTempFolder(async (folder) => {
        const output = join(folder, "out.gguf");
        const input = projectFile(GOLDENS.files.of);
        const options = { workers: 0, device: "gpu" } as const;
        const { devices } = await quantizeFile(input, output, type, options);
        const bytes = await Deno.readFile(output);
        const hash = createHash("sha256").update(bytes).digest("hex");
        assertEquals(hash, wanted, type);
        for (const { to, device } of devices) {
          assertEquals(device, PACKABLE.includes(to) ? "gpu" : "cpu", to);
        }
      });
    }
  },
);

for (const type of ["Q4_0", "Q8_0", "F16", "BF16"]) {
  Deno.test(`quantizeFile() writes the ${type} tensors of another program`, async () => {
    const golden = `tests/fixtures/models/stories260K-${type}.gguf`;
    const reference = projectFile(golden);
    const { tensors, otherFormat, otherBytes, unknown } =
      await compareQuantized({ source: STORIES, reference, type });
    assertEquals([otherFormat, otherBytes, unknown], [[], [], []]);
    assertEquals(tensors, 47);
  });
}

Deno.test("compareQuantized() sees other formats and bytes", async () => {
  const reference = projectFile("tests/fixtures/models/stories260K-Q4_0.gguf");
  const bytes = await compareQuantized({
    source: projectFile("tests/fixtures/models/stories260K-F16.gguf"),
    reference,
    type: "Q4_0",
  });
  assertEquals(bytes.otherFormat, []);
  assert(bytes.otherBytes.length > 10);
  const formats = await compareQuantized({
    source: STORIES,
    reference,
    type: "Q8_0",
  });
  assertEquals(formats.otherFormat.length, 30);
});

/** Importance of all matrices of the made model's layers. */
function importance(): Uint8Array<ArrayBuffer> {
  const attention = ["attn_q", "attn_k", "attn_v", "attn_output"];
  const parts = [...attention, "ffn_gate", "ffn_up", "ffn_down"];
  const entries: DatEntry[] = [0, 1].flatMap((layer) =>
    parts.map((part) => ({
      name: `blk.${layer}.${part}.weight`,
      calls: 2,
      sums: Array.from(
        { length: part === "ffn_down" ? 512 : 256 },
        (_, i) => 1 + i % 5,
      ),
    }))
  );
  return importanceDat(entries, { chunks: 9, dataset: "text.txt" });
}

const MADE = { dim: 256, hiddenDim: 512, layers: 2, heads: 4, kvHeads: 2 };

Deno.test("quantizeFile() writes the same bytes whoever does the work", async () => {
  await inTempFolder(async (folder) => {
    const input = makeModel({ ...MADE, format: "F16" });
    const matrix = importance();
    const written: Uint8Array[] = [];
    for (const workers of [0, 1, 3]) {
      const output = join(folder, `${workers}.gguf`);
      const options = { workers, importance: matrix };
      const result = await quantizeFile(input, output, "q3_k_m", options);
      assertEquals(result.workers, workers);
      written.push(await Deno.readFile(output));
    }
    assertEquals(written[1], written[0]);
    assertEquals(written[2], written[0]);
  });
});

Deno.test("quantizeFile() tells what it did, and the file where importance is from", async () => {
  await inTempFolder(async (folder) => {
    const matrix = join(folder, "made.imatrix");
    await Deno.writeFile(matrix, importance());
    const output = join(folder, "out.gguf");
    const progress: QuantizeProgress[] = [];
    const input = makeModel({ ...MADE, tied: true });
    const result = await quantizeFile(input, output, "q2_k_s", {
      importance: matrix,
      workers: 0,
      onProgress: (step) => progress.push(step),
    });
    assertEquals(result.type, "Q2_K_S");
    assertEquals(result.inputBytes, input.length);
    assertEquals(result.outputBytes, (await Deno.stat(output)).size);
    assert(result.weightsPerSecond > 0 && result.bytesPerSecond > 0);
    const query = result.tensors.find(({ name }) => name.includes("0.attn_q"));
    assertEquals(query, {
      name: "blk.0.attn_q.weight",
      shape: [256, 256],
      from: "F32",
      to: "Q2_K",
      meant: "Q2_K",
      weighed: true,
    });
    const embedding = result.tensors.find(({ name }) => name.includes("embd"));
    assertEquals([embedding?.to, embedding?.weighed], ["Q6_K", false]);
    const matrices = result.tensors.filter(({ shape }) => shape.length > 1);
    assertEquals(
      result.quantizedWeights,
      matrices.reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0),
    );
    const last = progress.at(-1)!;
    assertEquals(last.doneBytes, last.totalBytes);
    assert(progress.length >= result.tensors.length);

    await using source = await openSource(output);
    const { fields } = await readTypedGguf(source);
    const text = (key: string, value: string): GgufField => {
      return { key, type: "string", value };
    };
    const count = (key: string, value: number): GgufField => {
      return { key, type: "i32", value };
    };
    assertEquals(fields.slice(-6), [
      { key: "general.quantization_version", type: "u32", value: 2 },
      { key: "general.file_type", type: "u32", value: 21 },
      text("quantize.imatrix.file", matrix.slice(0, 127)),
      text("quantize.imatrix.dataset", "text.txt"),
      count("quantize.imatrix.entries_count", 14),
      count("quantize.imatrix.chunks_count", 9),
    ]);
  });
});

Deno.test("quantizeFile() replaces its own input", async () => {
  await inTempFolder(async (folder) => {
    const path = join(folder, "model.gguf");
    await Deno.copyFile(STORIES, path);
    await quantizeFile(path, path, "q8_0", { workers: 0 });
    assertEquals(namesIn(folder), ["model.gguf"]);
    assertEquals(
      (await tensorsOf(path)).get("token_embd.weight")?.format,
      "Q8_0",
    );
  });
});

Deno.test("quantizeFile() copies what has its format already", async () => {
  await inTempFolder(async (folder) => {
    const output = join(folder, "out.gguf");
    const input = makeModel({ ...MADE, format: "Q8_0" });
    const result = await quantizeFile(input, output, "q8_0", { workers: 0 });
    assertEquals(result.quantizedWeights, 0);
    assertEquals((await tensorsOf(output)).size, result.tensors.length);
  });
});

Deno.test("quantizeFile() quantizes once more only when it is told to", async () => {
  await inTempFolder(async (folder) => {
    const output = join(folder, "out.gguf");
    const input = makeModel({ ...MADE, format: "Q8_0" });
    await assertRejects(
      () => quantizeFile(input, output, "q4_0", { workers: 0 }),
      Error,
      'tensor "output.weight" is Q8_0 already and would become Q6_K',
    );
    assertEquals(namesIn(folder), []);
    const options = { workers: 0, allowRequantize: true };
    await quantizeFile(input, output, "q4_0", options);
    const formats = [...(await tensorsOf(output)).values()];
    assertEquals(new Set(formats.map(({ format }) => format)).size, 3);
  });
});

Deno.test("quantizeFile() makes one file of the parts of a split one", async () => {
  await inTempFolder(async (folder) => {
    const whole = makeModel({ ...MADE, format: "F16" });
    const part = (i: number) => join(folder, `m-0000${i}-of-00002.gguf`);
    await using source = await openSource(whole);
    const { fields, tensors } = await readTypedGguf(source);
    for (const no of [0, 1]) {
      const own = tensors.filter((_, i) => (i % 2) === no);
      await using writer = await GgufWriter.create(part(no + 1), {
        fields: [
          ...(no === 0 ? fields : []),
          { key: "split.no", type: "u16", value: no },
          { key: "split.count", type: "u16", value: 2 },
          { key: "split.tensors.count", type: "i32", value: tensors.length },
        ],
        tensors: own,
      });
      for (const { name, offset, bytes } of own) {
        await writer.write(name, whole.subarray(offset, offset + bytes));
      }
      await writer.finish();
    }
    const output = join(folder, "out.gguf");
    await quantizeFile(part(1), output, "q4_k_s", { workers: 0 });
    const joined = await Deno.readFile(output);
    await quantizeFile(whole, output, "q4_k_s", { workers: 0 });
    assertEquals(joined, await Deno.readFile(output));
  });
});
