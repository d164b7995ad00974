import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assertEquals, assertRejects } from "@std/assert";
import { readObjectSchema, type StandardSchema } from "./standard_schema.ts";

Deno.test("readObjectSchema() takes what the specification describes", async () => {
  const length: StandardSchemaV1<string, number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof value === "string"
          ? { value: value.length }
          : { issues: [{ message: "no string", path: ["a", { key: 0 }] }] },
    },
  };
  const schema: StandardSchema<string, number> = length;
  const { json, validate } = readObjectSchema(
    schema as StandardSchema<unknown, number>,
    { type: "string" },
  );
  assertEquals(json, { type: "string" });
  assertEquals(await validate("abc"), 3);
  await assertRejects(() => validate(5), TypeError, "a.0: no string");
});

Deno.test("readObjectSchema() checks values by a JSON Schema itself", async () => {
  const schema = {
    type: "array",
    items: { $ref: "#/$defs/one" },
    uniqueItems: true,
    $defs: {
      one: { anyOf: [{ type: "integer", minimum: 2 }, { const: "a" }] },
    },
  };
  const { validate } = readObjectSchema<unknown>(schema);
  for (const good of [[], [2, "a", 9], ["a"]]) {
    assertEquals(await validate(good), good);
  }
  for (const bad of [[1], [2, 2], ["b"], {}, null, [2.5]]) {
    await assertRejects(() => validate(bad), TypeError, "the generated object");
  }
});
