import { gguf } from "@huggingface/gguf";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  array,
  bool,
  buildGguf,
  f32,
  f32Tensor,
  type GgufValue,
  nested,
  scalar,
  string,
  u32,
} from "../../tests/gguf_builder.ts";
import { type Metadata, readGguf } from "./reader.ts";
import { openSource } from "./source.ts";

const VOCABULARY = new URL(
  "../../tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf",
  import.meta.url,
);
const STORIES = new URL("../../models/stories260k-f32.gguf", import.meta.url);

async function read(input: URL | Uint8Array) {
  await using source = await openSource(input);
  return await readGguf(source);
}

async function roundTrip(
  metadata: Iterable<[string, GgufValue]>,
): Promise<Metadata> {
  return (await read(buildGguf({ metadata, pad: false }))).metadata;
}

function strings(metadata: Metadata, key: string): string[] {
  return metadata[key] as string[];
}

Deno.test("readGguf() reads a value of every type", async () => {
  const cases: [string, GgufValue, unknown][] = [
    ["u8", scalar("u8", 255), 255],
    ["i8", scalar("i8", -128), -128],
    ["u16", scalar("u16", 65535), 65535],
    ["i16", scalar("i16", -32768), -32768],
    ["u32", u32(2 ** 32 - 1), 2 ** 32 - 1],
    ["i32", scalar("i32", -(2 ** 31)), -(2 ** 31)],
    ["f32", f32(1e-5), Math.fround(1e-5)],
    ["f64", scalar("f64", 0.1), 0.1],
    ["u64", scalar("u64", 2n ** 53n - 1n), 2 ** 53 - 1],
    ["large u64", scalar("u64", 2n ** 64n - 1n), 2n ** 64n - 1n],
    ["i64", scalar("i64", -5), -5],
    ["large i64", scalar("i64", -(2n ** 63n)), -(2n ** 63n)],
    ["true", bool(true), true],
    ["false", bool(false), false],
    ["string", string("ünï\0 🜲"), "ünï\0 🜲"],
    ["empty string", string(""), ""],
    ["empty", array("f32", []), []],
    ["numbers", array("i16", [1, -2]), [1, -2]],
    ["booleans", array("bool", [true, false]), [true, false]],
    ["strings", array("string", ["", "a"]), ["", "a"]],
    ["integers", array("u64", [1, 2n ** 60n]), [1, 2n ** 60n]],
    ["nested", nested([array("i64", []), array("i64", [7])]), [[], [7]]],
    ["deep", nested([nested([nested([array("string", ["a"])])])]), [[[["a"]]]]],
  ];
  const metadata = await roundTrip(cases.map(([key, value]) => [key, value]));
  for (const [key, _, expected] of cases) {
    assertEquals(metadata[key], expected, key);
  }
  assertEquals(Object.keys(metadata), cases.map(([key]) => key));
});

Deno.test("readGguf() keeps every key as it is, in an object without a prototype", async () => {
  const keys = [
    "__proto__",
    "constructor",
    "version",
    "kv_count",
    "7",
    "",
    "ä",
  ];
  const metadata = await roundTrip(
    keys.map((key, i) => [key, array("u8", [i])]),
  );
  assertStrictEquals(Object.getPrototypeOf(metadata), null);
  assertEquals(Object.keys(metadata).toSorted(), keys.toSorted());
  for (const [i, key] of keys.entries()) {
    assertEquals(metadata[key], [i]);
  }
});

Deno.test("readGguf() keeps a byte order mark at the start of a string", async () => {
  const metadata = await roundTrip([
    ["text", string("\ufeffa")],
    ["tokens", array("string", ["a", "\ufeff", "", "b"])],
    ["nested", nested([array("string", ["\ufeff\ufeff"])])],
  ]);
  assertEquals(metadata["text"], "\ufeffa");
  assertEquals(metadata["tokens"], ["a", "\ufeff", "", "b"]);
  assertEquals(metadata["nested"], [["\ufeff\ufeff"]]);
});

Deno.test("readGguf() puts U+FFFD where bytes are not valid UTF-8", async () => {
  const bytes = new Uint8Array([0x61, 0xff, 0xc3]);
  const long = new Uint8Array(70_000).fill(0x80);
  const metadata = await roundTrip([
    ["short", array("string", [bytes])],
    ["long", string(long)],
  ]);
  assertEquals(metadata["short"], ["a\ufffd\ufffd"]);
  assertEquals(metadata["long"], "\ufffd".repeat(70_000));
});

// Where the window over the header, of 2^20 bytes, may end.
for (const border of [2 ** 20, 2 ** 21]) {
  Deno.test(`readGguf() reads whole strings at byte ${border}`, async () => {
    const last = "the last token, of 32 bytes".padEnd(32, ".");
    for (const shift of [-40, -33, -32, -20, -8, -1, 0]) {
      const start = border + shift; // of the last string, without its length
      // Head 24, key 8 + 1, type 4, array 12, two lengths 8.
      const filler = "x".repeat(start - 24 - 13 - 12 - 8 - 8);
      const tokens = [filler, last];
      const metadata = await roundTrip([
        ["t", array("string", tokens)],
        ["after", u32(7)],
      ]);
      assert(metadata["after"] === 7);
      assert(strings(metadata, "t")[0] === filler);
      assertEquals(strings(metadata, "t")[1], last);
    }
  });

  Deno.test(`readGguf() reads a long string across byte ${border}`, async () => {
    const template = "chat template, ".repeat(50_000); // 750 kB
    const metadata = await roundTrip([
      ["filler", string("x".repeat(border - 300_000))],
      ["template", string(template)],
      ["after", string("end")],
    ]);
    assert(metadata["template"] === template);
    assertEquals(metadata["after"], "end");
  });
}

Deno.test("readGguf() reads arrays of numbers of many megabytes", async () => {
  const count = 600_000; // 2.4 and 4.8 MB
  const metadata = await roundTrip([
    ["floats", array("f32", Array.from({ length: count }, (_, i) => i))],
    ["doubles", array("f64", Array.from({ length: count }, (_, i) => -i))],
    ["after", u32(7)],
  ]);
  const floats = metadata["floats"] as number[];
  const doubles = metadata["doubles"] as number[];
  assertEquals([floats.length, doubles.length], [count, count]);
  assert(floats.every((value, i) => value === i));
  assert(doubles.every((value, i) => value === -i));
  assertEquals(metadata["after"], 7);
});

Deno.test("readGguf() reads a vocabulary as the library does, but for the byte order mark", async () => {
  const { metadata, tensors, version } = await read(VOCABULARY);
  const bytes = await Deno.readFile(VOCABULARY);
  const reference = await gguf("http://file", {
    fetch: () => Promise.resolve(new Response(bytes)),
  });
  assertEquals([version, tensors.size], [3, 0]);
  const keys = Object.keys(metadata);
  assertEquals(keys.length, Number(reference.metadata.kv_count));
  const expected = reference.metadata as unknown as Record<string, unknown>;
  const tokens = expected["tokenizer.ggml.tokens"] as string[];
  assertEquals([tokens.length, tokens[30143]], [32000, ""]);
  tokens[30143] = "\ufeff";
  for (const key of keys) assertEquals(metadata[key], expected[key], key);
});

Deno.test("readGguf() reads the header of stories260K", async () => {
  const { metadata, tensors, ...header } = await read(STORIES);
  assertEquals(header, {
    label: STORIES.href,
    version: 3,
    alignment: 32,
    size: 1054432,
    headers: [{ offset: 0, end: 14304 }],
  });
  assertEquals(metadata["general.architecture"], "llama");
  assertEquals(metadata["llama.block_count"], 5);
  assertEquals(metadata["tokenizer.ggml.add_bos_token"], true);
  const tokens = strings(metadata, "tokenizer.ggml.tokens");
  assertEquals(
    [tokens.length, tokens[0], tokens[13], tokens[259]],
    [512, "<unk>", "<0x0A>", "▁t"],
  );
  assertEquals(tensors.size, 47);
  const { format, ...down } = tensors.get("blk.4.ffn_down.weight")!;
  assertEquals(format.name, "F32");
  assertEquals([...down.shape], [172, 64]);
  assertEquals([down.elements, down.bytes], [172 * 64, 4 * 172 * 64]);
  const ends = [...tensors.values()].map(({ offset, bytes }) => offset + bytes);
  assertEquals(Math.max(...ends), header.size);
});

Deno.test("readGguf() reads from every kind of source alike", async () => {
  const bytes = buildGguf({
    metadata: { a: string("x"), tokens: array("string", ["\ufeff", "b"]) },
    tensors: [f32Tensor("t", [3], [1, 2, 3])],
  });
  await using memory = await openSource(bytes);
  await using blob = await openSource(new Blob([bytes]));
  assertEquals(await readGguf(blob), {
    ...await readGguf(memory),
    label: "Blob",
  });
});

Deno.test("readGguf() passes on what the source throws", async () => {
  await using source = await openSource(buildGguf({ pad: false }));
  const failure = new Error("disk on fire");
  const broken = { ...source, label: "x", size: 100, readInto: fail };
  function fail() {
    return Promise.reject(failure);
  }
  assertStrictEquals(await assertRejects(() => readGguf(broken)), failure);
});
