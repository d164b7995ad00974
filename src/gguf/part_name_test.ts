import { assertEquals, assertThrows } from "@std/assert";
import { locatePart, parsePartName, partName, partOf } from "./part_name.ts";

Deno.test("parsePartName() reads the names that llama.cpp gives parts", () => {
  const name = { prefix: "/a-00001-of-00009.gguf/b", part: 2, count: 6 };
  assertEquals(parsePartName(partName(name)), name);
  assertEquals(parsePartName("C:\\models\\x-00006-OF-00006.GGUF"), {
    prefix: "C:\\models\\x",
    part: 6,
    count: 6,
  });
  assertEquals(parsePartName("a\nb-00001-of-00001.gguf")?.prefix, "a\nb");
});

Deno.test("parsePartName() takes no other name", () => {
  const names = [
    "model.gguf",
    "model-00000-of-00002.gguf",
    "model-00003-of-00002.gguf",
    "model-1-of-2.gguf",
    "model-000001-of-00002.gguf",
    "model-00001-of-00002.gguf.part",
    "model-00001-of-00002.safetensors",
    "00001-of-00002.gguf",
    "",
  ];
  for (const name of names) assertEquals(parsePartName(name), undefined, name);
});

Deno.test("locatePart() keeps all but the number", () => {
  assertEquals(
    locatePart("b-00002-of-00006.GGUF", 5),
    "b-00005-of-00006.GGUF",
  );
  const url = new URL("http://h/a%20b-00001-of-00003.gguf?x=1-of-2.gguf#y");
  assertEquals(
    locatePart(url, 3).href,
    "http://h/a%20b-00003-of-00003.gguf?x=1-of-2.gguf#y",
  );
  assertEquals(partOf(url)?.count, 3);
  assertThrows(() => locatePart("b.gguf", 1), TypeError, 'first is "b.gguf"');
});
