import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  array,
  buildGguf,
  f32,
  f32Tensor,
  nested,
  scalar,
  string,
} from "../tests/gguf_builder.ts";
import { parseStrictly } from "../tests/strict_json.ts";
import { openSource } from "../src/gguf/source.ts";
import { readTypedGguf } from "../src/gguf/typed_reader.ts";
import { dumpToJson, formatDump } from "./gguf_dump.ts";

const FILE = buildGguf({
  metadata: {
    "general.name": string("two\nlines \u001b[31m\u009b ▁é"),
    "eps": f32(1e-5),
    "nan": scalar("f64", NaN),
    "inf": f32(-Infinity),
    "big": scalar("u64", 2n ** 64n - 1n),
    "small": scalar("i64", -7n),
    "flag": scalar("bool", true),
    "raw": string(Uint8Array.of(0xff, 0x41)),
    "tokens": array("string", Array.from({ length: 9 }, (_, i) => `t${i}`)),
    "odd": array("string", ['"', Uint8Array.of(0x80)]),
    "flags": array("bool", [true, false]),
    "none": array("u8", []),
    "nested": nested([array("f32", [0.1]), array("f32", [NaN])]),
    "long": string("x".repeat(500)),
    "a\ttab": string(""),
  },
  tensors: [f32Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6])],
});

async function file() {
  return await readTypedGguf(await openSource(FILE));
}

async function lines(columns: number, full = false): Promise<string[]> {
  return formatDump(await file(), { columns, full }).split("\n");
}

Deno.test("formatDump() shows values by their types in lines of text", async () => {
  const shown = await lines(Infinity);
  const values = Object.fromEntries(
    shown.slice(3, 18).map((line) => {
      const [key, type, ...value] = line.split(/ {2,}/);
      return [key, [type, value.join(" ")]];
    }),
  );
  assertEquals(values["general.name"], [
    "string",
    "two\\nlines \\u001b[31m\\u009b ▁é",
  ]);
  assertEquals(values["eps"], ["f32", "0.00001"]);
  assertEquals(values["nan"], ["f64", "NaN"]);
  assertEquals(values["inf"], ["f32", "-Infinity"]);
  assertEquals(values["big"], ["u64", "18446744073709551615"]);
  assertEquals(values["small"], ["i64", "-7"]);
  assertEquals(values["raw"], ["string", "<ff41>"]);
  assertEquals(values["tokens"], [
    "string[9]",
    '["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", …]',
  ]);
  assertEquals(values["odd"], ["string[2]", '["\\"", "<80>"]']);
  assertEquals(values["flags"], ["bool[2]", "[true, false]"]);
  assertEquals(values["none"], ["u8[0]", "[]"]);
  assertEquals(values["nested"], ["array[2]", "[[0.1], [NaN]]"]);
  assertEquals(values["long"], ["string", `${"x".repeat(99)}…`]);
  assertEquals(values["a\\ttab"], ["string", ""]);
  assertEquals(
    shown[0],
    "Uint8Array: GGUF 3, 1.12 KiB, 15 keys, " +
      "1 tensors aligned to 32 bytes",
  );
  assertEquals(shown.slice(19).map((line) => line.split(/ {2,}/)), [
    ["tensor", "type", "shape", "at", "bytes"],
    ["a", "F32", "2 x 3", "1120", "24"],
  ]);
});

Deno.test("formatDump() keeps to the columns of a terminal, however few", async () => {
  for (const columns of [200, 80, 71, 40, 20, 3, 1]) {
    const shown = await lines(columns);
    assert(shown.every((line) => [...line].length <= columns), `${columns}`);
  }
  const narrow = await lines(40);
  const at = narrow.indexOf("general.name");
  assertStringIncludes(narrow[at + 1]!, "  string  two\\nlines");
});

Deno.test("formatDump() shows all when it is to, whatever the columns", async () => {
  const shown = (await lines(30, true)).join("\n");
  assertStringIncludes(shown, "x".repeat(500));
  assertStringIncludes(shown, '"t7", "t8"]');
});

Deno.test("dumpToJson() is strict JSON that keeps every value", async () => {
  for (const full of [false, true]) {
    const text = JSON.stringify(dumpToJson(await file(), full));
    const { metadata, tensors, ...header } = parseStrictly(text) as {
      metadata: Record<string, unknown>[];
      tensors: unknown[];
    };
    assertEquals(header, {
      label: "Uint8Array",
      version: 3,
      size: FILE.length,
      alignment: 32,
      dataOffset: 1120,
    });
    const get = (key: string) => metadata.find((field) => field.key === key);
    assertEquals(get("nan"), { key: "nan", type: "f64", value: "NaN" });
    assertEquals(get("big")?.value, "18446744073709551615");
    assertEquals(get("small")?.value, -7);
    assertEquals(get("eps")?.value, Math.fround(1e-5));
    assertEquals(get("raw")?.value, { bytes: "ff41" });
    assertEquals(get("flags"), {
      key: "flags",
      type: "bool[]",
      length: 2,
      value: [true, false],
    });
    assertEquals(get("nested")?.value, [[Math.fround(0.1)], ["NaN"]]);
    assertEquals(get("tokens")?.[full ? "value" : "first"], [
      ...["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"],
      ...(full ? ["t8"] : []),
    ]);
    assertEquals(tensors, [
      { name: "a", type: "F32", shape: [2, 3], offset: 1120, bytes: 24 },
    ]);
  }
});
