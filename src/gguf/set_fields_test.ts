import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  array,
  buildGguf,
  f32Tensor,
  string,
  u32,
} from "../../tests/gguf_builder.ts";
import { inTempFolder, namesIn } from "../../tests/temp_folder.ts";
import type { GgufField, GgufValue } from "./field.ts";
import { hashGguf } from "./hash_file.ts";
import { setFields, type SetOptions } from "./set_fields.ts";
import { openFile } from "./source.ts";
import { readTypedGguf } from "./typed_reader.ts";

const FILE = buildGguf({
  metadata: {
    "general.architecture": string("llama"),
    "general.name": string("old"),
    "llama.block_count": u32(2),
    "some.list": array("f32", [1, 2]),
  },
  tensors: [f32Tensor("a", [3], [1, 2, 3]), f32Tensor("b", [2], [4, 5])],
});

async function withFile(
  test: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (folder) => {
    const path = `${folder}/model.gguf`;
    Deno.writeFileSync(path, FILE);
    await test(path, folder);
  });
}

async function fieldsOf(path: string): Promise<readonly GgufField[]> {
  await using source = await openFile(path);
  return (await readTypedGguf(source)).fields;
}

function set(
  path: string,
  key: string,
  { value, ...options }: SetOptions & { value: GgufValue | undefined },
): Promise<void> {
  return setFields(path, [{ key, change: () => value }], options);
}

Deno.test("setFields() changes, adds and removes keys in place", async () => {
  await withFile(async (path, folder) => {
    const hash = await hashGguf(path);
    const long = "a new name ".repeat(1000); // moves all tensor data
    await setFields(path, [
      { key: "general.name", change: () => ({ type: "string", value: long }) },
      { key: "new", change: () => ({ type: "i64", value: -1n }) },
      { key: "some.list", change: () => undefined },
      {
        key: "llama.block_count",
        change: (before) => {
          assertEquals(before?.value, 2);
          return { type: "u32", value: 3 };
        },
      },
    ]);
    assertEquals(await fieldsOf(path), [
      { key: "general.architecture", type: "string", value: "llama" },
      { key: "general.name", type: "string", value: long },
      { key: "llama.block_count", type: "u32", value: 3 },
      { key: "new", type: "i64", value: -1n },
    ]);
    assertEquals(await hashGguf(path), hash);
    assertEquals(namesIn(folder), ["model.gguf"]);
  });
});

Deno.test("setFields() leaves the input as it is when there is an output", async () => {
  await withFile(async (path, folder) => {
    const output = `${folder}/out.gguf`;
    const value: GgufValue = { type: "string", value: "new" };
    await set(path, "general.name", { value, output });
    assertEquals(Deno.readFileSync(path), FILE);
    assertEquals((await fieldsOf(output))[1]!.value, "new");
    await assertRejects(
      () => set(path, "general.name", { value, output }),
      Error,
      "there is something of that name",
    );
    await set(path, "general.name", { value, output, force: true });
  });
});

const REFUSED: [key: string, value: GgufValue | undefined, message: string][] =
  [
    ["general.alignment", { type: "u32", value: 64 }, "says how the file is"],
    ["general.architecture", undefined, "says how the file is to be read"],
    ["split.count", { type: "u16", value: 2 }, "says how the file is to be"],
    ["llama.block_count", { type: "i32", value: 2 }, "is of the type u32"],
    [
      "some.list",
      { type: "array", of: "f64", value: [1] },
      "is of the type f32[] and would be f64[]",
    ],
    ["none", undefined, 'it has no key "none" to remove'],
    ["llama.block_count", { type: "u32", value: -1 }, "it is -1, 0 to 4294"],
  ];

for (const [key, value, message] of REFUSED) {
  Deno.test(`setFields() refuses ${key} when it ${message}`, async () => {
    await withFile(async (path, folder) => {
      await assertRejects(() => set(path, key, { value }), Error, message);
      assertEquals(Deno.readFileSync(path), FILE);
      assertEquals(namesIn(folder), ["model.gguf"]);
    });
  });
}

Deno.test("setFields() changes what may break the file when it is forced", async () => {
  await withFile(async (path) => {
    const value: GgufValue = { type: "u32", value: 4096 };
    await set(path, "general.alignment", { value, force: true });
    await using source = await openFile(path);
    const { alignment, tensors } = await readTypedGguf(source);
    assertEquals(alignment, 4096);
    assert(tensors.every(({ offset }) => offset % 4096 === 0));
  });
});

Deno.test("setFields() refuses parts that are not the first", async () => {
  await inTempFolder(async (folder) => {
    const path = (part: number) => `${folder}/m-0000${part}-of-00002.gguf`;
    for (const part of [1, 2]) Deno.writeFileSync(path(part), FILE);
    const value: GgufValue = { type: "string", value: "new" };
    await set(path(1), "general.name", { value });
    await assertRejects(
      () => set(path(2), "general.name", { value }),
      Error,
      "it is part 2 of 2, whose metadata nobody reads",
    );
    await set(path(2), "general.name", { value, force: true });
  });
});
