import { assert } from "@std/assert";
import { gpu } from "./gpu.ts";

Deno.test({
  name: "a GPU adapter is present",
  // Kernel tests are left out without an adapter, so this one fails instead.
  ignore: Deno.env.get("SERAPH_ALLOW_NO_GPU") === "1",
  fn: () => assert(gpu !== null, "No GPU adapter: kernel tests did not run"),
});
