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
  // Set by the program: Deno's own cache would go there as well.
  const folder = (env: Record<string, string>) =>
    evaluate(
      `import { cacheFolder } from "${MODULE}";
      for (const [name, value] of Object.entries(${JSON.stringify(env)})) {
        Deno.env.set(name, value);
      }
      console.log(cacheFolder());`,
      {},
    );
  const home = { HOME: "/home/me" };
  assertEquals(await folder({ ...home, XDG_CACHE_HOME: "/x" }), "/x/seraph\n");
  assertEquals(await folder(home), "/home/me/.cache/seraph\n");
  assertEquals(
    await folder({ ...home, XDG_CACHE_HOME: "relative" }),
    "/home/me/.cache/seraph\n",
  );
  assertEquals(await folder({ LOCALAPPDATA: "/local" }), "/local/seraph\n");
});

Deno.test({
  name: "environment() gives nothing when the program may not read it",
  permissions: { env: false },
  fn() {
    assertEquals(environment("HOME"), undefined);
    assertEquals(cacheFolder(), undefined);
  },
});
