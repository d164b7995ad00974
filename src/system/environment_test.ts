import { assertEquals } from "@std/assert";
import { evaluate } from "../../tests/evaluate.ts";
import { cacheFolder, environment } from "./environment.ts";

const MODULE = new URL("./environment.ts", import.meta.url);

Deno.test("environment() takes an empty variable for one that is not set", async () => {
  const code = `import { environment } from "${MODULE}";
    console.log(["A", "B", "C"].map(environment).join());`;
  assertEquals(await evaluate(code, { A: "", B: "x" }), ",x,\n");
});

Deno.test("cacheFolder() lies under XDG_CACHE_HOME when that is set", async () => {
  const code = `import { cacheFolder } from "${MODULE}";
    console.log(cacheFolder());`;
  const home = { HOME: "/home/me" };
  assertEquals(
    await evaluate(code, { ...home, XDG_CACHE_HOME: "/x" }),
    "/x/seraph\n",
  );
  assertEquals(await evaluate(code, home), "/home/me/.cache/seraph\n");
  assertEquals(
    await evaluate(code, { ...home, XDG_CACHE_HOME: "relative" }),
    "/home/me/.cache/seraph\n",
  );
  assertEquals(
    await evaluate(code, { LOCALAPPDATA: "/local" }),
    "/local/seraph\n",
  );
});

Deno.test({
  name: "environment() gives nothing when the program may not read it",
  permissions: { env: false },
  fn() {
    assertEquals(environment("HOME"), undefined);
    assertEquals(cacheFolder(), undefined);
  },
});
