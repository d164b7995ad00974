import { assertEquals, assertThrows } from "@std/assert";
import { shortest } from "../../tests/structure.ts";
import { schemaNode } from "./json_schema.ts";
import type { JsonSchema } from "./schema.ts";

Deno.test("schemaNode() names what it does not follow, and where", () => {
  const wrong: [unknown, string][] = [
    [
      { type: "array", contains: {} },
      '# has "contains", which is not supported',
    ],
    [
      { properties: { "a/b": { dependentRequired: {} } } },
      '#/properties/a~1b has "dependentRequired"',
    ],
    [{ type: "text" }, 'has "type", which is "text"'],
    [{ minLength: -1 }, "an integer from 0 on is wanted"],
    [{ exclusiveMinimum: true }, "a number is wanted"],
    [{ $ref: "other.json" }, '"#/…" is wanted'],
    [{ $ref: "#/$defs/x" }, "where nothing stands"],
    [{ $ref: "#" }, "made of itself"],
    [{ $ref: "#/%" }, '# has "$ref", which is "#/%", whose "%" is no escape'],
    [{ type: "string", pattern: "a(?=b)" }, 'has "pattern", which is "a(?=b)"'],
    [{ type: "string", pattern: "(" }, 'has "pattern"'],
    [{ type: "string", format: "moon" }, 'has "format", which is "moon"'],
    [
      { type: "string", pattern: "^a$", minLength: 3 },
      "no text is found of 3 to Infinity characters",
    ],
    [{ type: "string", format: "date", pattern: "^x" }, "no text is found"],
    [{ type: "integer", minimum: 1e17 }, "cannot be kept to"],
    [
      {
        type: "array",
        uniqueItems: true,
        minItems: 3,
        items: { type: "boolean" },
      },
      "2 distinct items are known",
    ],
    [false, "no value is found that it allows"],
    [{ type: "integer", minimum: 2, maximum: 1 }, "no value is found"],
    [{ required: ["a"], properties: { a: false } }, "no value is found"],
    [
      { oneOf: [{ type: "integer" }, { type: "number" }] },
      "no value is found",
    ],
    [
      { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
      "no value is found",
    ],
    [null, "# is null, an object is wanted"],
    [{ items: 5 }, 'has "items", which is 5'],
  ];
  for (const [schema, message] of wrong) {
    assertThrows(() => schemaNode(schema as JsonSchema), TypeError, message);
  }
});

Deno.test("schemaNode() refuses what nests too deeply to be followed", () => {
  const wrap: ((schema: JsonSchema) => JsonSchema)[] = [
    (items) => ({ type: "array", items }),
    (schema) => ({ anyOf: [schema] }),
  ];
  for (const one of wrap) {
    let schema: JsonSchema = { const: 1 };
    for (let i = 0; i < 50_000; i++) schema = one(schema);
    assertThrows(
      () => schemaNode(schema),
      TypeError,
      "Cannot follow the schema: it nests too deeply",
    );
  }
});

Deno.test("schemaNode() reads a long list of values in no time", () => {
  const values = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  let reads = 0;
  // Each look at the list as a whole reads all of it.
  const list = new Proxy(values, {
    get(target, key) {
      if (key === "every") reads++;
      return Reflect.get(target, key);
    },
  });
  assertEquals(shortest(schemaNode({ enum: list })), '"v0"');
  assertEquals(reads, 1);
});

Deno.test("schemaNode() knows the shortest text", () => {
  const of = (schema: JsonSchema) => shortest(schemaNode(schema));
  assertEquals(of({ type: "object", required: ["a"] }).length, 7); // {"a":0}
  assertEquals(of({ type: "array", items: {}, minItems: 2 }), "[0,0]");
  assertEquals(of({ type: "string", minLength: 3 }).length, 5);
});

Deno.test("schemaNode() takes schemas that are large, deep, or of odd names", () => {
  const of = (schema: JsonSchema) => shortest(schemaNode(schema));
  const names = Array.from({ length: 500 }, (_, i) => `p${i}`);
  const properties = Object.fromEntries(
    names.map((name) => [name, { type: "integer", minimum: 7 }]),
  );
  assertEquals(of({ type: "object", properties }), "{}");
  const all = JSON.parse(of({ type: "object", properties, required: names }));
  assertEquals(Object.keys(all), names);
  assertEquals(of({ enum: names }), '"p0"');
  let deep: JsonSchema = { const: 1 };
  for (let i = 0; i < 500; i++) deep = { items: deep, minItems: 1 };
  assertEquals(of(deep), "[".repeat(500) + "1" + "]".repeat(500));
  const odd = JSON.parse(
    '{"properties":{"__proto__":{"const":1},"toString":{"const":"__proto__"}}}',
  );
  const required = ["__proto__", "toString"];
  assertEquals(
    of({ ...odd, required }),
    '{"__proto__":1,"toString":"__proto__"}',
  );
  const cyclic: Record<string, unknown> = { type: "array", maxItems: 1e9 };
  cyclic.items = cyclic;
  assertEquals(of(cyclic), "[]");
});
