import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { basename, dirname } from "node:path";
import { evaluate } from "../../tests/evaluate.ts";
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

Deno.test("modelsFolder() and isOffline() go by options before the environment", async () => {
  assertEquals(modelsFolder("x"), "x");
  assertEquals(isOffline(false), false);
  const module = new URL("./cache_place.ts", import.meta.url);
  const code = `import { isOffline, modelsFolder } from "${module}";
    console.log(modelsFolder(undefined), isOffline(undefined), isOffline(false));`;
  const cache = { XDG_CACHE_HOME: "/cache" };
  for (
    const [env, wanted] of [
      [{}, false],
      [{ SERAPH_OFFLINE: "1" }, true],
      [{ SERAPH_OFFLINE: "0" }, false],
      [{ SERAPH_OFFLINE: "" }, false],
      [{ HF_HUB_OFFLINE: "yes" }, true],
    ] as const
  ) {
    const said = await evaluate(code, { ...cache, ...env });
    assertEquals(said, `/cache/seraph/models ${wanted} false\n`);
  }
});

Deno.test("whyNoFolder() asks for no permission that the program has", async () => {
  const module = new URL("./cache_place.ts", import.meta.url);
  const code = `import { whyNoFolder } from "${module}";
    console.log(whyNoFolder());`;
  assert((await evaluate(code, {})).startsWith("neither XDG_CACHE_HOME nor"));
});
