import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findWeights, openCheckpoint } from "./checkpoint.ts";

/** Makes a folder of text files, and removes it. */
async function withFolder(
  files: Record<string, string>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ü #" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const index = (weights: unknown) => JSON.stringify({ weight_map: weights });

Deno.test("openCheckpoint() lists the files of a folder, and of links to them", () =>
  withFolder({ "config.json": "{}", "a.bin": "12345" }, async (folder) => {
    await Deno.mkdir(join(folder, "sub"));
    await Deno.symlink(join(folder, "a.bin"), join(folder, "link"));
    await Deno.symlink(join(folder, "nothing"), join(folder, "broken"));
    for (const source of [folder, pathToFileURL(folder)]) {
      const checkpoint = await openCheckpoint(source);
      assertEquals(
        [...checkpoint.files],
        [["a.bin", 5], ["config.json", 2], ["link", 5]],
      );
      assertEquals(await checkpoint.readText("config.json"), "{}");
      assertEquals(await checkpoint.readText("other.json"), undefined);
      await using file = await checkpoint.open("link");
      const bytes = new Uint8Array(2);
      await file.readInto(bytes, 3);
      assertEquals(bytes, new TextEncoder().encode("45"));
    }
  }));

Deno.test("openCheckpoint() opens no file beyond its folder", () =>
  withFolder({ "a.bin": "1" }, async (folder) => {
    const checkpoint = await openCheckpoint(join(folder));
    await assertRejects(
      () => checkpoint.open("../a.bin"),
      Error,
      'it has no file "../a.bin"',
    );
    await assertRejects(
      () => openCheckpoint(join(folder, "a.bin")),
      Error,
      "it is a file, a folder is wanted",
    );
    await assertRejects(
      () => openCheckpoint(join(folder, "b")),
      Error,
      "no such folder",
    );
  }));

Deno.test("findWeights() takes the shards of the index, safetensors first", () =>
  withFolder({
    "model.safetensors.index.json": index({ x: "s1", y: "s2", z: "s1" }),
    "pytorch_model.bin": "",
    s1: "",
    s2: "",
  }, async (folder) => {
    const checkpoint = await openCheckpoint(folder);
    assertEquals(await findWeights(checkpoint), {
      format: "safetensors",
      names: ["s1", "s2"],
      index: new Map([["x", "s1"], ["y", "s2"], ["z", "s1"]]),
    });
    await Deno.remove(join(folder, "model.safetensors.index.json"));
    assertEquals(await findWeights(await openCheckpoint(folder)), {
      format: "pytorch",
      names: ["pytorch_model.bin"],
      index: undefined,
    });
  }));

for (
  const [name, text, message] of [
    ["missing", index({ x: "s1", y: "../s2" }), "1 of them are missing: ../s2"],
    ["no JSON", "{", "Cannot read"],
    ["without a map", "[]", "its weight_map is no object"],
    ["of other values", index({ x: 7 }), 'the file of "x" is 7'],
  ] as const
) {
  Deno.test(`findWeights() refuses an index when it is ${name}`, () =>
    withFolder(
      { "model.safetensors.index.json": text, s1: "" },
      async (dir) => {
        const checkpoint = await openCheckpoint(dir);
        await assertRejects(() => findWeights(checkpoint), Error, message);
      },
    ));
}

Deno.test("findWeights() says what there is when there are no weights", () =>
  withFolder({ "config.json": "{}" }, async (folder) => {
    const checkpoint = await openCheckpoint(folder);
    await assertRejects(
      () => findWeights(checkpoint),
      Error,
      "it has no weights but config.json",
    );
  }));
