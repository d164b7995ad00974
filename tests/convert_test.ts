import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { convertCheckpoint, loadModel, quantizeFile } from "../mod.ts";
import { type GgufFile, readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import {
  type MadeCheckpointOptions,
  makeCheckpoint,
} from "./checkpoint/make.ts";
import { projectFile } from "./engine.ts";
import { withHub } from "./fake_hub.ts";
import { importanceDat } from "./importance.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const ARCHANGEL = projectFile("models/tiny-archangel-q8_0.gguf");

/** A random model of two layers with shared key heads. */
const SMALL = {
  dim: 64,
  hiddenDim: 96,
  layers: 2,
  heads: 8,
  kvHeads: 2,
  vocabulary: 512,
  tied: false,
};

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "in"));
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes a checkpoint, converts it, and looks at the file. */
async function convert<T>(
  made: Partial<MadeCheckpointOptions>,
  type: string,
  use: (path: string, file: GgufFile) => Promise<T> | T,
): Promise<T> {
  return await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, { gguf: STORIES, ...made });
    const path = join(folder, "out.gguf");
    await convertCheckpoint(input, path, { type, workers: 0 });
    await using source = await openSource(path);
    return await use(path, await readGguf(source));
  });
}

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

const REFUSED: readonly [string, Partial<MadeCheckpointOptions>, string][] = [
  ["no config.json", { files: { "config.json": undefined } }, "no config.json"],
  [
    "a missing tensor",
    { change: (tensors) => tensors.slice(1) },
    'tensor "model.embed_tokens.weight" is missing',
  ],
  [
    "a tensor too many",
    { change: ([a, ...b]) => [a!, ...b, { ...a!, name: "model.extra" }] },
    'tensor "model.extra" is none that a Llama of 2 layers has',
  ],
  [
    "another shape",
    { config: { "intermediate_size": 95 } },
    'tensor "model.layers.0.mlp.gate_proj.weight" has the shape [96, 64], [95, 64]',
  ],
  [
    "more layers than there can be",
    { config: { "num_hidden_layers": 2 ** 30 } },
    "it has 1073741824 layers, and the files 21 tensors",
  ],
  [
    "integers",
    { dtype: "F16", change: (t) => t.map((x) => ({ ...x, dtype: "I16" })) },
    "is of I16, one of F32",
  ],
  [
    "weights that are no numbers",
    {
      dtype: "F32",
      change: ([a, ...b]) => [{
        ...a!,
        data: () => [new Uint8Array(a!.bytes).fill(255)],
      }, ...b],
    },
    "weight 0 of row 0 is NaN",
  ],
];

for (const [what, made, message] of REFUSED) {
  Deno.test(`convertCheckpoint() refuses ${what} and leaves no file`, async () => {
    await inFolder(async (folder) => {
      const input = join(folder, "in");
      await makeCheckpoint(input, { gguf: STORIES, shape: SMALL, ...made });
      const output = join(folder, "out.gguf");
      await assertRejects(
        () => convertCheckpoint(input, output, { workers: 0 }),
        Error,
        message,
      );
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [
        "in",
      ]);
    });
  });
}

const SHARDS = { gguf: STORIES, shape: SMALL, shards: 2 };

async function refuseShards(
  change: (folder: string) => Promise<void>,
  message: string,
): Promise<void> {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, SHARDS);
    await change(input);
    const output = join(folder, "out.gguf");
    await assertRejects(() => convertCheckpoint(input, output), Error, message);
  });
}

const SECOND = "model-00002-of-00002.safetensors";
const INDEX = "model.safetensors.index.json";

async function changeIndex(
  folder: string,
  change: (map: Record<string, string>) => void,
): Promise<void> {
  const path = join(folder, INDEX);
  const index = JSON.parse(await Deno.readTextFile(path));
  change(index.weight_map);
  await Deno.writeTextFile(path, JSON.stringify(index));
}

Deno.test("convertCheckpoint() names a shard that is missing", async () => {
  await refuseShards(
    (folder) => Deno.remove(join(folder, SECOND)),
    `1 of them are missing: ${SECOND}`,
  );
});

Deno.test("convertCheckpoint() names a tensor that is not where the index says", async () => {
  await refuseShards(
    (folder) =>
      changeIndex(folder, (map) => {
        map["model.embed_tokens.weight"] = SECOND;
      }),
    `by the index, tensor "model.embed_tokens.weight" is in ${SECOND}`,
  );
  await refuseShards(
    (folder) =>
      changeIndex(folder, (map) => {
        map["model.none"] = SECOND;
      }),
    'tensor "model.none" is in model-00002-of-00002.safetensors, but no file',
  );
  await refuseShards(
    (folder) => changeIndex(folder, (map) => delete map["model.norm.weight"]),
    'tensor "model.norm.weight" of',
  );
});

Deno.test("convertCheckpoint() leaves no file and keeps an old one when it is stopped", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, SHARDS);
    const output = join(folder, "out.gguf");
    await Deno.writeTextFile(output, "old");
    for (const workers of [0, 2]) {
      const controller = new AbortController();
      await assertRejects(
        () =>
          convertCheckpoint(input, output, {
            type: "q4_0",
            workers,
            signal: controller.signal,
            onProgress: () => controller.abort(new Error("enough")),
          }),
        Error,
        "enough",
      );
      assertEquals(await Deno.readTextFile(output), "old");
      const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assertEquals(names.sort(), ["in", "out.gguf"]);
    }
  });
});

Deno.test("convertCheckpoint() warns when two tokens have the same text", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    const files = { "added_tokens.json": JSON.stringify({ "<s>": 511 }) };
    await makeCheckpoint(input, { ...SHARDS, files });
    const output = join(folder, "out.gguf");
    const { warnings } = await convertCheckpoint(input, output, { workers: 0 });
    assertEquals(warnings, [
      "tokens 1 and 511 have the same text: llama.cpp does not load such a file",
    ]);
  });
});

Deno.test("convertCheckpoint() refuses to write over the checkpoint", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, SHARDS);
    const output = join(input, ".", SECOND);
    const before = await Deno.readFile(output);
    await assertRejects(
      () => convertCheckpoint(input, output),
      Error,
      "it is a file of the checkpoint",
    );
    assertEquals(await Deno.readFile(output), before);
    await convertCheckpoint(input, join(input, "out.gguf"), { workers: 0 });
  });
});

Deno.test("convertCheckpoint() refuses an unknown type and odd workers at once", async () => {
  await assertRejects(
    () => convertCheckpoint("/none", "/out", { type: "q9" }),
    TypeError,
    '"q9"',
  );
  await assertRejects(
    () => convertCheckpoint("/none", "/out", { workers: 0.5 }),
    RangeError,
    "workers is 0.5",
  );
  await assertRejects(() => convertCheckpoint("/none", "/out"), Error, "/none");
});

Deno.test("convertCheckpoint() takes a repository of a hub, and downloads it once", async () => {
  await inFolder(async (folder) => {
    const input = join(folder, "in");
    await makeCheckpoint(input, SHARDS);
    const repo: Record<string, Uint8Array> = {};
    for (const { name } of Deno.readDirSync(input)) {
      repo[name] = await Deno.readFile(join(input, name));
    }
    const options = { type: "q8_0", name: "x", workers: 0 };
    const local = join(folder, "local.gguf");
    await convertCheckpoint(input, local, options);
    const wanted = await Deno.readFile(local);
    await withHub(
      { "me/My-model": repo },
      async ({ options: download, cdn }) => {
        const output = join(folder, "hub.gguf");
        const source = "hf:me/My-model";
        await convertCheckpoint(source, output, { ...options, download });
        assertEquals(await Deno.readFile(output), wanted);
        // A look at one byte tells whether a file has changed.
        const bodies = () =>
          cdn.requests.filter(({ range }) => range?.[1] !== 1).length;
        const before = bodies();
        const result = await convertCheckpoint(source, output, { download });
        assertEquals(result.name, "My Model");
        assertEquals(bodies(), before, "all is in the cache");
      },
    );
  });
});
