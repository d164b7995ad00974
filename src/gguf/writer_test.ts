import { assert, assertEquals, assertRejects } from "@std/assert";
import { smallFiles } from "../../tests/gguf_mutate.ts";
import { inTempFolder, namesIn } from "../../tests/temp_folder.ts";
import { array, buildGguf } from "../../tests/gguf_builder.ts";
import { readTensor } from "./chunks.ts";
import type { GgufField } from "./field.ts";
import { blockFormatByName } from "./formats.ts";
import type { GgufPlan, PlannedTensor } from "./layout.ts";
import { readGguf } from "./reader.ts";
import { openSource } from "./source.ts";
import { readTypedGguf } from "./typed_reader.ts";
import { GgufWriter } from "./writer.ts";

const REAL_FILES = [
  "../../models/stories260k-f32.gguf",
  "../../models/tiny-archangel-q8_0.gguf",
];

function tensor(
  name: string,
  shape: number[],
  format = "F32",
): PlannedTensor {
  return { name, shape, format: blockFormatByName(format)! };
}

/** Writes a file as it was read. */
async function rewrite(
  input: Uint8Array | URL,
  path: string,
  chunkBytes: number,
): Promise<void> {
  await using source = await openSource(input);
  const file = await readTypedGguf(source);
  await using writer = await GgufWriter.create(path, file);
  for (const [i, { name }] of writer.tensors.entries()) {
    const chunks = readTensor(source, file.tensors[i]!, { chunkBytes });
    for await (const { bytes } of chunks) await writer.write(name, bytes);
  }
  await writer.finish();
}

for (const path of REAL_FILES) {
  Deno.test(`GgufWriter writes the same bytes when ${path} is written again`, async () => {
    await inTempFolder(async (folder) => {
      const url = new URL(path, import.meta.url);
      const out = `${folder}/out.gguf`;
      await rewrite(url, out, 2 ** 20);
      const [wanted, written] = [
        Deno.readFileSync(url),
        Deno.readFileSync(out),
      ];
      assertEquals(written.length, wanted.length);
      assert(written.every((byte, i) => byte === wanted[i]));
      assertEquals(namesIn(folder), ["out.gguf"]);
    });
  });
}

Deno.test("GgufWriter writes the same bytes when files have arrays of arrays and odd alignments", async () => {
  await inTempFolder(async (folder) => {
    const out = `${folder}/out.gguf`;
    for (const file of smallFiles()) {
      await rewrite(file, out, 64);
      const written = Deno.readFileSync(out);
      const wanted = new Uint8Array(written.length); // zeros to the end
      wanted.set(file);
      wanted[4] = 3; // whatever version it had
      assertEquals(written, wanted);
    }
  });
});

Deno.test("GgufWriter keeps every value and its type", async () => {
  const fields: GgufField[] = [
    { key: "general.alignment", type: "u32", value: 128 },
    { key: "u8", type: "u8", value: 255 },
    { key: "i8", type: "i8", value: -128 },
    { key: "u16", type: "u16", value: 65535 },
    { key: "i16", type: "i16", value: -32768 },
    { key: "u32", type: "u32", value: 2 ** 32 - 1 },
    { key: "i32", type: "i32", value: -(2 ** 31) },
    { key: "u64", type: "u64", value: 2n ** 64n - 1n },
    { key: "i64", type: "i64", value: -(2n ** 63n) },
    { key: "f32", type: "f32", value: Math.fround(0.1) },
    { key: "inf", type: "f32", value: -Infinity },
    { key: "nan", type: "f64", value: NaN },
    { key: "f64", type: "f64", value: 0.1 },
    { key: "yes", type: "bool", value: true },
    { key: "no", type: "bool", value: false },
    { key: "ü\u0000", type: "string", value: "\ufeff\u0000😀" },
    { key: "raw", type: "string", value: Uint8Array.of(0xff, 0x41) },
    { key: "", type: "string", value: "" },
    { key: "a.u8", type: "array", of: "u8", value: Uint8Array.of(1, 2) },
    { key: "a.i64", type: "array", of: "i64", value: BigInt64Array.of(-1n) },
    { key: "a.f32", type: "array", of: "f32", value: Float32Array.of(-0, NaN) },
    { key: "a.bool", type: "array", of: "bool", value: Uint8Array.of(0, 1) },
    { key: "a.none", type: "array", of: "string", value: [] },
    {
      key: "a.string",
      type: "array",
      of: "string",
      value: ["a", Uint8Array.of(0x80), "\ufeff"],
    },
    {
      key: "a.array",
      type: "array",
      of: "array",
      value: [
        { type: "array", of: "u16", value: Uint16Array.of(1) },
        { type: "array", of: "u16", value: Uint16Array.of() },
      ],
    },
  ];
  await inTempFolder(async (folder) => {
    const out = `${folder}/out.gguf`;
    await using writer = await GgufWriter.create(out, { fields, tensors: [] });
    await writer.finish();
    await using source = await openSource(out);
    const file = await readTypedGguf(source);
    assertEquals(file.fields, fields);
    assertEquals(file.size, writer.size);
    assertEquals(file.size % 128, 0);
  });
});

Deno.test("GgufWriter takes plain arrays and numbers when they fit the type", async () => {
  const fields: GgufField[] = [
    { key: "a", type: "array", of: "i32", value: [1, -2] },
    { key: "b", type: "array", of: "bool", value: [true, false] },
    { key: "c", type: "array", of: "u64", value: [1, 2n ** 60n] },
    { key: "d", type: "u64", value: 7 },
  ];
  await inTempFolder(async (folder) => {
    const out = `${folder}/out.gguf`;
    await using writer = await GgufWriter.create(out, { fields, tensors: [] });
    await writer.finish();
    await using source = await openSource(out);
    assertEquals((await readTypedGguf(source)).fields, [
      { key: "a", type: "array", of: "i32", value: Int32Array.of(1, -2) },
      { key: "b", type: "array", of: "bool", value: Uint8Array.of(1, 0) },
      {
        key: "c",
        type: "array",
        of: "u64",
        value: BigUint64Array.of(1n, 2n ** 60n),
      },
      { key: "d", type: "u64", value: 7n },
    ]);
  });
});

const PLAN: GgufPlan = {
  fields: [],
  tensors: [tensor("a", [3]), tensor("b", [64], "Q4_0")],
};

Deno.test("GgufWriter.write() refuses tensors out of turn and bytes that are too many", async () => {
  await inTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/out.gguf`, "old");
    {
      await using writer = await GgufWriter.create(`${folder}/out.gguf`, PLAN);
      const wrong = (name: string, bytes: number, message: string) =>
        assertRejects(
          () => writer.write(name, new Uint8Array(bytes)),
          Error,
          message,
        );
      await wrong("b", 36, 'tensor "b" is given, tensor "a" is wanted');
      await wrong("a", 13, 'tensor "a" is given 13 bytes, 12 are wanted');
      await writer.write("a", new Uint8Array(5));
      await wrong("a", 8, 'tensor "a" is given 13 bytes, 12 are wanted');
      await wrong("b", 36, 'tensor "a" from byte 5 on is wanted');
      await assertRejects(
        () => writer.finish(),
        Error,
        'it ends early, tensor "a" from byte 5 on is wanted',
      );
      await writer.write("a", new Uint8Array(7));
      await writer.write("b", new Uint8Array(36));
      await wrong("b", 1, "no more data is wanted");
      assertEquals(namesIn(folder).length, 2);
    }
    assertEquals(namesIn(folder), ["out.gguf"]);
    assertEquals(Deno.readTextFileSync(`${folder}/out.gguf`), "old");
  });
});

Deno.test("GgufWriter.write() keeps the order when calls overlap", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/out.gguf`;
    await using writer = await GgufWriter.create(path, PLAN);
    await Promise.all([
      writer.write("a", new Uint8Array(5).fill(1)),
      writer.write("a", new Uint8Array(7).fill(2)),
      writer.write("b", new Uint8Array(36).fill(3)),
    ]);
    await writer.finish();
    const data = Deno.readFileSync(path).subarray(-32 - 64);
    assertEquals([...data], [
      ...Array(5).fill(1),
      ...Array(7).fill(2),
      ...Array(20).fill(0),
      ...Array(36).fill(3),
      ...Array(28).fill(0),
    ]);
  });
});

Deno.test("GgufWriter leaves nothing when it is aborted", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/out.gguf`;
    for (const until of [0, 1, 2]) {
      const stop = new AbortController();
      const { signal } = stop;
      await assertRejects(
        async () => {
          await using writer = await GgufWriter.create(path, PLAN, { signal });
          if (until === 0) stop.abort(new Error("enough"));
          await writer.write("a", new Uint8Array(12));
          if (until === 1) stop.abort(new Error("enough"));
          await writer.write("b", new Uint8Array(36));
          stop.abort(new Error("enough"));
          await writer.finish();
        },
        Error,
        "enough",
      );
      assertEquals(namesIn(folder), []);
    }
  });
});

Deno.test("GgufWriter.create() makes no file of a plan that is none", async () => {
  await inTempFolder(async (folder) => {
    const tensors = [tensor("a", [3]), tensor("a", [3])];
    await assertRejects(
      () => GgufWriter.create(`${folder}/x.gguf`, { fields: [], tensors }),
      SyntaxError,
      `Cannot write "${folder}/x.gguf": it has the tensor "a" twice`,
    );
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("GgufWriter.create() refuses places that no file can be at", async () => {
  await inTempFolder(async (folder) => {
    const refused: [string | URL, string][] = [
      [folder, "it is a directory, a file is wanted"],
      [`${folder}/none/out.gguf`, "there is no such folder"],
      [new URL("http://x/out.gguf"), 'its scheme is "http:", a path or a file'],
    ];
    for (const [path, message] of refused) {
      await assertRejects(
        () => GgufWriter.create(path, PLAN),
        Error,
        `Cannot write "${path}": ${message}`,
      );
    }
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("GgufWriter.create() refuses what the disk has no room for", async () => {
  await inTempFolder(async (folder) => {
    const plan = { fields: [], tensors: [tensor("a", [2 ** 24, 2 ** 24])] };
    await assertRejects(
      () => GgufWriter.create(`${folder}/out.gguf`, plan),
      Error,
      "it takes 1024.0 TiB beside 64.0 MiB that stay free",
    );
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("readTypedGguf() refuses a file of too many strings that are no text", async () => {
  const broken = buildGguf({
    metadata: {
      t: array("string", Array(100_001).fill(Uint8Array.of(0xff))),
    },
  });
  await using source = await openSource(broken);
  await assertRejects(
    () => readTypedGguf(source),
    RangeError,
    "over 100000 of its strings are not valid UTF-8, fewer are wanted",
  );
  const { metadata } = await readGguf(source);
  assertEquals((metadata["t"] as string[])[100_000], "\ufffd");
});
