import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { convertCheckpoint } from "../mod.ts";
import { inFolder, SMALL, STORIES } from "./checkpoint/convert.ts";
import {
  type MadeCheckpointOptions,
  makeCheckpoint,
} from "./checkpoint/make.ts";
import { withHub } from "./fake_hub.ts";

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
    const link = join(folder, "link");
    await Deno.symlink(output, link);
    for (const path of [output, link, pathToFileURL(link)]) {
      await assertRejects(
        () => convertCheckpoint(input, path),
        Error,
        "it is a file of the checkpoint",
      );
    }
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
