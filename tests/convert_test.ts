import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { convertCheckpoint, loadModel, quantizeFile } from "../mod.ts";
import { type GgufFile, readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { convert, inFolder, SMALL, STORIES } from "./checkpoint/convert.ts";
import { makeCheckpoint } from "./checkpoint/make.ts";
import { projectFile } from "./engine.ts";
import { importanceDat } from "./importance.ts";

const ARCHANGEL = projectFile("models/tiny-archangel-q8_0.gguf");

/** The data of all tensors, by name. */
async function dataOf(input: string | URL): Promise<Map<string, string>> {
  await using source = await openSource(input);
  const { tensors } = await readGguf(source);
  const data = new Map<string, string>();
  for (const { name, format, offset, bytes, shape } of tensors.values()) {
    const buffer = new Uint8Array(bytes);
    await source.readInto(buffer, offset);
    const hash = await crypto.subtle.digest("SHA-256", buffer);
    data.set(name, `${format.name} ${shape} ${new Uint8Array(hash).toHex()}`);
  }
  return data;
}

/** An importance matrix for all matrices of a file. */
async function importanceOf(path: string): Promise<Uint8Array> {
  await using source = await openSource(path);
  const { tensors } = await readGguf(source);
  return importanceDat(
    tensors.values().filter(({ shape }) => shape.length > 1)
      .map(({ name, shape }) => ({
        name,
        calls: 1,
        sums: Array.from({ length: shape[0]! }, (_, i) => 1 + i % 7),
      })).toArray(),
  );
}

function sorted(map: ReadonlyMap<string, string>) {
  return Object.fromEntries([...map].sort(([a], [b]) => a < b ? -1 : 1));
}

Deno.test("convertCheckpoint() gives back every weight and key when the checkpoint was made of a file", async () => {
  await convert({}, "f32", async (path, { metadata }) => {
    assertEquals(sorted(await dataOf(path)), sorted(await dataOf(STORIES)));
    await using source = await openSource(STORIES);
    const before = (await readGguf(source)).metadata;
    const changed = Object.keys({ ...before, ...metadata }).filter((key) =>
      JSON.stringify(before[key]) !== JSON.stringify(metadata[key])
    );
    assertEquals(changed.sort(), [
      "general.name",
      "general.quantization_version",
      "general.size_label",
      "llama.attention.key_length",
      "llama.attention.value_length",
    ]);
    assertEquals(metadata["general.size_label"], "260K");
    assertEquals(metadata["general.name"], "In");
  });
});

Deno.test("convertCheckpoint() packs Q8_0 as the file had it when shards have a tokenizer.json alone", async () => {
  const made = { gguf: ARCHANGEL, shards: 3, tokenizer: "json" as const };
  await convert(made, "q8_0", async (path, { metadata, tensors }) => {
    assertEquals(sorted(await dataOf(path)), sorted(await dataOf(ARCHANGEL)));
    await using source = await openSource(ARCHANGEL);
    const before = await readGguf(source);
    assertEquals([...tensors.keys()], [...before.tensors.keys()]);
    const scores = (file: GgufFile) =>
      (file.metadata["tokenizer.ggml.scores"] as number[]).slice(0, 32000);
    assertEquals(scores({ ...before, metadata }), scores(before));
    const types = metadata["tokenizer.ggml.token_type"] as number[];
    assertEquals(types.slice(-2), [3, 3]);
    for (const key of ["tokens", "bos_token_id", "add_bos_token"]) {
      const name = `tokenizer.ggml.${key}`;
      assertEquals(metadata[name], before.metadata[name]);
    }
    assertEquals(
      metadata["tokenizer.chat_template"],
      before.metadata["tokenizer.chat_template"],
    );
  });
});

Deno.test("convertCheckpoint() writes the same file when weights are in PyTorch files", async () => {
  const made = { shape: SMALL, dtype: "F16", shards: 2 };
  const [a, b] = await Promise.all(
    (["safetensors", "pytorch"] as const).map((format) =>
      convert({ ...made, format }, "q4_0", (path) => Deno.readFile(path))
    ),
  );
  assertEquals(a!.length, b!.length);
  assert(a!.every((byte, i) => byte === b![i]));
});

Deno.test("convertCheckpoint() writes the file that quantizing in a second step gives", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    const shape = { ...SMALL, dim: 256, hiddenDim: 160 };
    const config = { "rope_scaling": { "rope_type": "llama3" } };
    await makeCheckpoint(input, { gguf: STORIES, shape, config });
    const [direct, plain, quantized] = ["a", "b", "c"]
      .map((name) => join(folder, `${name}.gguf`));
    for (const type of ["q3_k_m", "iq4_xs", "q8_0"]) {
      await convertCheckpoint(input, direct!, { type, workers: 0 });
      await convertCheckpoint(input, plain!, { workers: 0 });
      await quantizeFile(plain!, quantized!, type, { workers: 0 });
      const [a, b] = await Promise.all(
        type === "q8_0"
          // What the converter itself writes has its type in another place.
          ? [direct!, quantized!].map(async (path) =>
            sorted(await dataOf(path))
          )
          : [direct!, quantized!].map((path) => Deno.readFile(path)),
      );
      assertEquals(a, b);
    }
  });
});

Deno.test("convertCheckpoint() weighs columns as quantizing does when it is given an importance matrix", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    const shape = { ...SMALL, dim: 256, hiddenDim: 256, layers: 1 };
    await makeCheckpoint(input, { gguf: STORIES, shape });
    const [direct, plain, quantized, importance] = [
      "a",
      "b",
      "c",
      "imatrix.gguf",
    ]
      .map((name) => join(folder, name));
    await convertCheckpoint(input, plain!, { workers: 0 });
    await Deno.writeFile(importance!, await importanceOf(plain!));
    const options = { importance: importance!, workers: 0 };
    await convertCheckpoint(input, direct!, { ...options, type: "q2_k_s" });
    await quantizeFile(plain!, quantized!, "q2_k_s", options);
    assertEquals(await Deno.readFile(direct!), await Deno.readFile(quantized!));
    await assertRejects(
      () => convertCheckpoint(input, direct!, { type: "q2_k_s" }),
      Error,
      "needs an importance matrix",
    );
  });
});

Deno.test("convertCheckpoint() takes the type of the weights when none is given", async () => {
  for (
    const [dtype, wanted] of [["BF16", "BF16"], ["F16", "F16"], ["F32", "F16"]]
  ) {
    await inFolder(async (folder) => {
      const input = join(folder, "in");
      await makeCheckpoint(input, { gguf: STORIES, shape: SMALL, dtype });
      const output = join(folder, "out.gguf");
      const result = await convertCheckpoint(input, output, { workers: 0 });
      assertEquals(result.type, wanted);
      const formats = new Set(result.tensors.map(({ to }) => to));
      assertEquals([...formats].sort(), [wanted, "F32"].sort());
    });
  }
});

Deno.test("convertCheckpoint() makes a model that answers when it is quantized by two workers", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, {
      gguf: STORIES,
      shape: { ...SMALL, dim: 256 },
    });
    const output = join(folder, "out.gguf");
    const seen: number[] = [];
    const result = await convertCheckpoint(input, output, {
      type: "q4_k_m",
      name: "A name",
      workers: 2,
      onProgress: ({ doneBytes, totalBytes }) =>
        seen.push(doneBytes / totalBytes),
    });
    assertEquals(result.name, "A name");
    assertEquals(result.outputBytes, (await Deno.stat(output)).size);
    assertEquals(seen.at(-1), 1);
    assertEquals(seen, seen.toSorted((a, b) => a - b));
    await using model = await loadModel(output, { tune: "off" });
    const { ids } = await model.generate([1, 300], { maxTokens: 3 }).result();
    assertEquals(ids.length, 3);
  });
});

Deno.test("convertCheckpoint() writes divisors of frequencies, head sizes and windows", async () => {
  await convert(
    {
      shape: { ...SMALL, headDim: 16 },
      config: {
        architectures: ["MistralForCausalLM"],
        "sliding_window": 32,
        "rope_scaling": {
          "rope_type": "llama3",
          factor: 8,
          "low_freq_factor": 1,
          "high_freq_factor": 4,
          "original_max_position_embeddings": 8192,
        },
      },
    },
    "f32",
    (_, { metadata, tensors }) => {
      assertEquals(tensors.get("rope_freqs.weight")!.shape, [8]);
      assertEquals(tensors.get("blk.0.attn_q.weight")!.shape, [64, 128]);
      assertEquals(metadata["llama.attention.sliding_window"], 32);
      assertEquals(metadata["llama.attention.key_length"], 16);
      assertEquals(metadata["llama.rope.dimension_count"], 16);
    },
  );
});
