import { assertEquals, assertNotEquals } from "@std/assert";
import type { LlamaConfig } from "../model/config.ts";
import { identityOf } from "./identity.ts";

const CONFIG = {
  ropeBase: 10000,
  ropeScaling: { type: "none" },
} as LlamaConfig;

Deno.test("identityOf() differs when a cache means something else", () => {
  const options = { context: 64, int8: false };
  const identity = identityOf("ab", CONFIG, options);
  assertEquals(identityOf("ab", { ...CONFIG }, { ...options }), identity);
  // Where the factors do not depend on it.
  assertEquals(identityOf("ab", CONFIG, { ...options, context: 8 }), identity);
  const others = [
    identityOf("ac", CONFIG, options),
    identityOf("ab", { ...CONFIG, ropeBase: 500000 }, options),
    identityOf("ab", CONFIG, { ...options, int8: true }),
  ];
  for (const other of others) assertNotEquals(other, identity);
  assertEquals(new Set(others).size, others.length);
});
