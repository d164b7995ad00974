import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { basename, dirname } from "node:path";
import { withCache } from "../../tests/cache.ts";
import { isOffline, modelsFolder, placeOf } from "./cache_place.ts";
import { webFile } from "./web_file.ts";

const place = (url: string) => placeOf("models", webFile(new URL(url)).name);

Deno.test("placeOf() lays files beside each other when they lie so on the server", () => {
  const first = place("https://h.example:8080/a/b/m-00001-of-00002.gguf");
  const second = place("https://h.example:8080/a/b/m-00002-of-00002.gguf");
  assertEquals(first.folder, second.folder);
  assertEquals(basename(first.path), "m-00001-of-00002.gguf");
  assert(basename(first.folder).startsWith("h.example_8080_a_b_-"));
});

Deno.test("placeOf() tells files apart, whatever they are called", () => {
  const urls = [
    "https://h/a/m.gguf",
    "https://h/b/m.gguf",
    "http://h/a/m.gguf",
    "https://h/a/m.gguf?v=2",
    "https://h/a/m.gguf?v=3",
    "https://h/a/M%3F.gguf",
    "https://h/a/M%3A.gguf",
    "https://h/a/M_.gguf",
    "https://h/a%2Fm.gguf",
    "https://h/%2e%2e%2fm.gguf",
    `https://h/${"x".repeat(300)}1.gguf`,
    `https://h/${"x".repeat(300)}2.gguf`,
  ];
  const paths = urls.map((url) => place(url).path);
  assertEquals(new Set(paths).size, urls.length);
  for (const path of paths) {
    assertEquals(dirname(dirname(path)), "models", path);
    assert(basename(path).length < 200, path);
    assert(!/[<>:"|?*\\]/.test(path), path);
  }
});

Deno.test("placeOf() makes names that every system takes", () => {
  for (const name of ["CON.gguf", "nul", "..", ".hidden", "x."]) {
    const { path } = placeOf("models", { group: "g", groupId: "g", name });
    assertNotEquals(basename(path), name);
    assert(!/^\.|\.$/.test(basename(path)), path);
  }
});

Deno.test("webFile() keeps secrets of a URL out of what is told", () => {
  const { target, name } = webFile(
    new URL("https://me:pass%20word@h/m%20x.gguf?token=secret#part"),
  );
  assertEquals(target.label, "https://h/m x.gguf");
  assertEquals(target.url.href, "https://h/m%20x.gguf?token=secret");
  assertEquals(target.credentials, {
    origin: "https://h",
    authorization: `Basic ${btoa("me:pass word")}`,
  });
  assert(!JSON.stringify([placeOf("models", name)]).includes("secret"));
});

Deno.test("modelsFolder() and isOffline() go by options before the environment", () =>
  withCache((folder) => {
    assertEquals(modelsFolder("x"), "x");
    assertEquals(modelsFolder(undefined), `${folder}/seraph/models`);
    for (const [value, wanted] of [["1", true], ["0", false], ["", false]]) {
      Deno.env.set("SERAPH_OFFLINE", value as string);
      assertEquals(isOffline(undefined), wanted);
    }
    Deno.env.set("SERAPH_OFFLINE", "true");
    assertEquals(isOffline(false), false);
    Deno.env.delete("SERAPH_OFFLINE");
    return Promise.resolve();
  }));
