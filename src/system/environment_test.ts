import { assertEquals } from "@std/assert";
import { withCache } from "../../tests/cache.ts";
import { cacheFolder, environment } from "./environment.ts";

Deno.test("environment() takes an empty variable for one that is not set", () => {
  Deno.env.set("SERAPH_TEST_EMPTY", "");
  assertEquals(environment("SERAPH_TEST_EMPTY"), undefined);
  Deno.env.set("SERAPH_TEST_EMPTY", "x");
  assertEquals(environment("SERAPH_TEST_EMPTY"), "x");
  Deno.env.delete("SERAPH_TEST_EMPTY");
});

Deno.test("cacheFolder() lies under XDG_CACHE_HOME when that is set", () =>
  withCache((folder) => {
    assertEquals(cacheFolder(), `${folder}/seraph`);
    Deno.env.delete("XDG_CACHE_HOME");
    assertEquals(cacheFolder(), `${Deno.env.get("HOME")}/.cache/seraph`);
    return Promise.resolve();
  }));

Deno.test({
  name: "environment() gives nothing when the program may not read it",
  permissions: { env: false },
  fn() {
    assertEquals(environment("HOME"), undefined);
    assertEquals(cacheFolder(), undefined);
  },
});
