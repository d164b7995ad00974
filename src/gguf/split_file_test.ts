import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { buildGguf, string, u32 } from "../../tests/gguf_builder.ts";
import { inTempFolder, namesIn } from "../../tests/temp_folder.ts";
import { hashGguf } from "./hash_file.ts";
import { mergeGguf } from "./merge_file.ts";
import { openFile, openSource } from "./source.ts";
import { planSplit, splitGguf } from "./split_file.ts";
import { readTypedGguf } from "./typed_reader.ts";

const STORIES = new URL("../../models/stories260k-f32.gguf", import.meta.url);

/** A file of tensors of 4, 8, 12 … bytes, each of its own byte. */
function makeFile(count: number, alignment?: number): Uint8Array {
  return buildGguf({
    ...(alignment !== undefined && { alignment }),
    metadata: { "general.architecture": string("llama"), "split.no": u32(7) },
    tensors: Array.from({ length: count }, (_, i) => ({
      name: `t${i}`,
      shape: [i + 1],
      format: "F32",
      data: new Uint8Array(4 * (i + 1)).fill(i + 1),
    })),
  });
}

async function plan(file: Uint8Array, limits: Parameters<typeof planSplit>[1]) {
  await using source = await openSource(file);
  return planSplit(await readTypedGguf(source), limits);
}

async function groups(
  file: Uint8Array,
  limits: Parameters<typeof planSplit>[1],
): Promise<string> {
  return (await plan(file, limits))
    .map(({ tensors }) => tensors.map(({ name }) => name.slice(1)).join(","))
    .join(" ");
}

Deno.test("planSplit() puts so many tensors into a part", async () => {
  const file = makeFile(5);
  assertEquals(await groups(file, { maxTensors: 2 }), "0,1 2,3 4");
  assertEquals(await groups(file, { maxTensors: 5 }), "0,1,2,3,4");
  assertEquals(await groups(file, { maxTensors: 1 }), "0 1 2 3 4");
  assertEquals(await groups(file, {}), "0,1,2,3,4");
  assertEquals(await groups(makeFile(0), {}), "");
  const parts = await plan(makeFile(129), {});
  assertEquals(parts.map(({ tensors }) => tensors.length), [128, 1]);
});

Deno.test("planSplit() puts so many bytes into a part, and never none", async () => {
  // Up to 8 floats are 32 bytes, up to 16 are 64.
  const file = makeFile(10);
  assertEquals(await groups(file, { maxBytes: 96 }), "0,1,2 3,4,5 6,7 8 9");
  assertEquals(await groups(file, { maxBytes: 1 }), "0 1 2 3 4 5 6 7 8 9");
  assertEquals(await groups(file, { maxBytes: 64 }), "0,1 2,3 4,5 6,7 8 9");
  assertEquals(await groups(file, { maxBytes: 1e9 }), "0,1,2,3,4,5,6,7,8,9");
});

Deno.test("planSplit() writes llama.cpp's keys behind those of the file", async () => {
  const parts = await plan(makeFile(3, 64), { maxTensors: 2 });
  const split = (no: number) => [
    { key: "split.no", type: "u16", value: no },
    { key: "split.count", type: "u16", value: 2 },
    { key: "split.tensors.count", type: "i32", value: 3 },
  ];
  const alignment = { key: "general.alignment", type: "u32", value: 64 };
  assertEquals(parts.map(({ fields }) => fields as unknown), [
    [
      alignment,
      { key: "general.architecture", type: "string", value: "llama" },
      ...split(0),
    ],
    [alignment, ...split(1)],
  ]);
});

Deno.test("planSplit() refuses limits that are no counts", () => {
  const file = { label: "x", fields: [], tensors: [], alignment: 32 };
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    for (const name of ["maxTensors", "maxBytes"]) {
      assertThrows(
        () => planSplit(file, { [name]: limit }),
        RangeError,
        `Cannot split "x": ${name} is ${limit}, an integer from 1`,
      );
    }
  }
});

Deno.test("mergeGguf() gives back the file that splitGguf() split", async () => {
  await inTempFolder(async (folder) => {
    const prefix = `${folder}/a #%ü`;
    const paths = await splitGguf(STORIES, prefix, { maxTensors: 10 });
    assertEquals(paths.length, 5);
    assertEquals(paths[1], `${prefix}-00002-of-00005.gguf`);
    await using part = await openFile(paths[4]!);
    assertEquals((await readTypedGguf(part)).tensors.length, 7);

    const merged = `${folder}/merged.gguf`;
    await mergeGguf(paths[3]!, merged);
    const [wanted, bytes] = [STORIES, merged].map((x) => Deno.readFileSync(x));
    assert(bytes!.every((byte, i) => byte === wanted![i]));
    assertEquals(bytes!.length, wanted!.length);

    // Split anew from its parts; tensors stay what they are.
    const again = await splitGguf(paths[0]!, `${folder}/b`, { maxBytes: 3e5 });
    assertEquals(again.length, 4);
    assertEquals(await hashGguf(again[2]!), await hashGguf(STORIES));
  });
});

Deno.test("splitGguf() and mergeGguf() keep an odd alignment", async () => {
  await inTempFolder(async (folder) => {
    const input = `${folder}/in.gguf`;
    Deno.writeFileSync(input, makeFile(3, 256));
    const paths = await splitGguf(input, `${folder}/p`, { maxTensors: 1 });
    for (const path of paths) {
      await using source = await openFile(path);
      const { alignment, tensors } = await readTypedGguf(source);
      assertEquals([alignment, tensors[0]!.offset % 256], [256, 0]);
    }
    await mergeGguf(paths[0]!, `${folder}/out.gguf`);
    assertEquals(await hashGguf(`${folder}/out.gguf`), await hashGguf(input));
  });
});

Deno.test("hashGguf() hashes tensor data and nothing else", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/in.gguf`;
    Deno.writeFileSync(path, makeFile(2));
    const sha256 = async (bytes: number[]) => {
      const hash = await crypto.subtle.digest(
        "SHA-256",
        Uint8Array.from(bytes),
      );
      return new Uint8Array(hash).toHex();
    };
    const data = [[1, 1, 1, 1], [2, 2, 2, 2, 2, 2, 2, 2]];
    assertEquals(await hashGguf(path), {
      tensors: [
        { name: "t0", sha256: await sha256(data[0]!) },
        { name: "t1", sha256: await sha256(data[1]!) },
      ],
      sha256: await sha256(data.flat()),
    });
  });
});

Deno.test("splitGguf() leaves no part when it is aborted, and tells how far it is", async () => {
  await inTempFolder(async (folder) => {
    const stop = new AbortController();
    const seen: number[] = [];
    const split = splitGguf(STORIES, `${folder}/p`, {
      maxTensors: 10,
      signal: stop.signal,
      onProgress({ doneBytes, totalBytes }) {
        seen.push(doneBytes / totalBytes);
        if (doneBytes > totalBytes / 2) stop.abort(new Error("enough"));
      },
    });
    await assertRejects(() => split, Error, "enough");
    assertEquals(namesIn(folder), []);
    assert(seen.every((value, i) => i === 0 || value > seen[i - 1]!));
    assert(seen.length > 5 && seen.at(-1)! < 1);
  });
});

Deno.test("splitGguf() and mergeGguf() replace no file unless they may, and never what they read", async () => {
  await inTempFolder(async (folder) => {
    const paths = await splitGguf(STORIES, `${folder}/p`, { maxTensors: 40 });
    const before = paths.map((path) => Deno.readFileSync(path));
    const second = paths[1]!;
    const refusals: [() => Promise<unknown>, string][] = [
      [
        () => splitGguf(STORIES, `${folder}/p`, { maxTensors: 40 }),
        "something",
      ],
      [() => mergeGguf(second, second), "there is something of that name"],
      [
        () =>
          splitGguf(second, `${folder}/p`, { overwrite: true, maxTensors: 40 }),
        "it is what is read",
      ],
      [() => mergeGguf(paths[0]!, second, { overwrite: true }), "what is read"],
    ];
    for (const [run, message] of refusals) {
      await assertRejects(run, Error, message);
    }
    assertEquals(namesIn(folder).length, 2);
    for (const [i, path] of paths.entries()) {
      assertEquals(Deno.readFileSync(path), before[i]);
    }
    await splitGguf(STORIES, `${folder}/p`, {
      maxTensors: 40,
      overwrite: true,
    });
    assertEquals(namesIn(folder).length, 2);
  });
});

Deno.test("mergeGguf() takes a split into one part", async () => {
  await inTempFolder(async (folder) => {
    const [path, none] = await splitGguf(STORIES, `${folder}/one`);
    assertEquals([path, none], [
      `${folder}/one-00001-of-00001.gguf`,
      undefined,
    ]);
    await mergeGguf(path!, `${folder}/out.gguf`);
    const out = Deno.readFileSync(`${folder}/out.gguf`);
    const wanted = Deno.readFileSync(STORIES);
    assert(out.every((byte, i) => byte === wanted[i]));
  });
});

Deno.test("mergeGguf() refuses a file that is whole", async () => {
  await inTempFolder(async (folder) => {
    await assertRejects(
      () => mergeGguf(STORIES, `${folder}/out.gguf`),
      Error,
      "it is no part of several",
    );
    assertEquals(namesIn(folder), []);
  });
});
