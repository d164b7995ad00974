import { assert, assertGreater } from "@std/assert";
import { downloadHostile } from "./hostile_random.ts";

Deno.test("openInput() comes to a good file or a clear error when a server does anything", async () => {
  const { good, errors } = await downloadHostile({ count: 15, seed: 4 });
  assertGreater(good, 10);
  assert(Object.keys(errors).length > 0);
});
