import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { callerContext, isTracing, SCOPE, traced } from "./telemetry.ts";

Deno.test("SCOPE is the package", () => {
  const { name, version } = config;
  assertEquals(SCOPE, { name, version });
});

Deno.test("traced() changes nothing where nobody listens", async () => {
  assertEquals([isTracing(), callerContext()], [false, undefined]);
  const attributes = () => {
    throw new Error("nobody asks for them");
  };
  assertEquals(await traced("x", () => Promise.resolve(5), attributes), 5);
  const error = new Error("no");
  const failing = () => traced("x", () => Promise.reject(error), attributes);
  assertStrictEquals(await assertRejects(failing), error);
});
