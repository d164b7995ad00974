import { assertEquals } from "@std/assert";
import { schemaAccepts } from "../../tests/structure.ts";
import type { JsonSchema } from "./schema.ts";

/** Schemas, texts that they allow, and texts that they do not. */
const CASES: [
  name: string,
  schema: JsonSchema,
  good: readonly string[],
  bad: readonly string[],
][] = [
  ["anything", true, ["null", '{"a":[1,"x"]}', "-1.5e9", '""'], ["", "tru"]],
  ["no type", {}, ["[]", "0", '"\\n"'], [" 0", "01", '"\n"', "-"]],
  ["types", { type: ["string", "null"] }, ["null", '"x"'], ["1", "true"]],
  ["an integer", { type: "integer" }, ["0", "-7", "123456789012345"], [
    "-0",
    "1.0",
    "1234567890123456",
    "1e3",
  ]],
  [
    "a range of integers",
    { type: "integer", minimum: -12, exclusiveMaximum: 103 },
    ["-12", "-1", "0", "9", "99", "102"],
    ["-13", "103", "1000", "-0", "007"],
  ],
  [
    "a range of numbers",
    { type: "number", exclusiveMinimum: 0.25, maximum: 1.5 },
    ["0.3", "0.26", "1", "1.5", "1.500000"],
    ["0.25", "0.250000", "1.51", "2", "0"],
  ],
  [
    "a negative range",
    { type: "number", minimum: -2.5, maximum: -1 },
    ["-2.5", "-1", "-1.000000", "-2.499999"],
    ["-2.500001", "-0.999999", "1"],
  ],
  [
    "multiples",
    { type: "integer", multipleOf: 7, minimum: 0, maximum: 1000 },
    ["0", "7", "700", "994"],
    ["1", "-7", "1001", "701"],
  ],
  [
    "multiples of a fraction",
    { type: "number", multipleOf: 0.1, minimum: 0, maximum: 1 },
    ["0", "0.1", "0.5", "1"],
    // 0.3 / 0.1 is no integer in doubles.
    ["0.3", "0.05", "1.1"],
  ],
  [
    "lengths",
    { type: "string", minLength: 2, maxLength: 3 },
    ['"ab"', '"é漢\\n"', '"\\"\\\\"'],
    ['"a"', '"abcd"', '"a'],
  ],
  [
    "a pattern",
    { type: "string", pattern: '^[a-c"]{2}\\d?$' },
    ['"ab"', '"\\"c7"'],
    ['"a"', '"""', '"abx"'],
  ],
  [
    "a pattern of some length",
    { type: "string", pattern: "^[ab]+-[0-9]*$", minLength: 4, maxLength: 6 },
    ['"aa-12"'],
    ['"a-"', '"ab-12345"'],
  ],
  ["a format", { type: "string", format: "date" }, ['"2024-02-28"'], [
    '"2024-13-01"',
    '"2024-02-31"',
  ]],
  ["listed values", { enum: [1, "a\n", null, { b: [] }] }, [
    "1",
    '"a\\n"',
    "null",
    '{"b":[]}',
  ], ["2", "{}"]],
  ["listed values of a type", { enum: [1, "1", 2.5], type: "integer" }, ["1"], [
    '"1"',
    "2.5",
  ]],
  ["a constant", { const: { 'q"': "é" } }, ['{"q\\"":"é"}'], ["{}"]],
  [
    "properties",
    {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "null" }, c: true },
      required: ["b"],
      additionalProperties: false,
    },
    ['{"b":null}', '{"a":1,"b":null}', '{"a":1,"b":null,"c":[]}'],
    ["{}", '{"a":1}', '{"b":null,"a":1}', '{"b":null,"b":null}', '{"b":null,}'],
  ],
  [
    "some properties",
    {
      type: "object",
      properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
      minProperties: 1,
      maxProperties: 2,
    },
    ['{"a":1}', '{"a":1,"c":3}', '{"b":2,"c":3}'],
    ["{}", '{"a":1,"b":2,"c":3}'],
  ],
  [
    "properties of any name",
    { type: "object", additionalProperties: { type: "integer" } },
    ["{}", '{"b":1}', '{"a_1":1,"c":2}'],
    ['{"a":"x"}', '{"a":1,"a":2}', '{"c":1,"a":2}', '{"a":1,}'],
  ],
  [
    "names of a pattern",
    {
      type: "object",
      patternProperties: { "^[xy]_\\d$": { type: "boolean" } },
      additionalProperties: false,
    },
    ["{}", '{"x_1":true,"y_2":false}'],
    ['{"x_1":1}', '{"z_1":true}'],
  ],
  [
    "listed names",
    {
      type: "object",
      propertyNames: { enum: ["n", "e"] },
      additionalProperties: { type: "null" },
    },
    ["{}", '{"n":null,"e":null}'],
    ['{"x":null}', '{"n":1}'],
  ],
  [
    "items",
    { type: "array", items: { type: "boolean" }, minItems: 1, maxItems: 3 },
    ["[true]", "[true,false,true]"],
    ["[]", "[1]", "[true,true,true,true]", "[true,]"],
  ],
  [
    "a tuple",
    { type: "array", prefixItems: [{ const: 1 }, { const: 2 }], items: false },
    ["[]", "[1]", "[1,2]"],
    ["[2]", "[1,2,3]"],
  ],
  [
    "a tuple and more",
    {
      type: "array",
      prefixItems: [{ const: 1 }],
      items: { const: 2 },
      minItems: 2,
      maxItems: 3,
    },
    ["[1,2]", "[1,2,2]"],
    ["[1]", "[1,2,2,2]", "[2,2]"],
  ],
  [
    "a tuple of draft 7",
    {
      type: "array",
      items: [{ const: 1 }, { const: 2 }],
      additionalItems: { const: 3 },
    },
    ["[]", "[1,2]", "[1,2,3,3]"],
    ["[2]", "[1,2,2]"],
  ],
  [
    "distinct items of a list",
    { type: "array", uniqueItems: true, items: { enum: ["a", "b", "c"] } },
    ["[]", '["a","c"]', '["a","b","c"]'],
    ['["a","a"]'],
  ],
  [
    "distinct items",
    {
      type: "array",
      uniqueItems: true,
      items: { type: "string", maxLength: 4 },
      minItems: 2,
    },
    ['["ab","b"]', '["Zoe","anna","bob"]'],
    ['["ab"]', '["ab","ab"]', '["ab","axxxx"]'],
  ],
  [
    "distinct objects",
    {
      type: "array",
      uniqueItems: true,
      minItems: 2,
      items: {
        type: "object",
        properties: { id: { type: "integer", minimum: 1, maximum: 9 } },
        required: ["id"],
        additionalProperties: false,
      },
    },
    ['[{"id":1},{"id":4}]'],
    ['[{"id":1},{"id":1}]'],
  ],
  ["one or the other", { anyOf: [{ const: 1 }, { type: "null" }] }, [
    "1",
    "null",
  ], ["2"]],
  [
    "exactly one",
    {
      oneOf: [
        {
          properties: { k: { const: "a" }, x: { type: "integer" } },
          required: ["k", "x"],
        },
        { properties: { k: { const: "b" } }, required: ["k"] },
      ],
    },
    ['{"k":"a","x":1}', '{"k":"b"}'],
    ['{"k":"a"}', '{"k":"b","x":1}'],
  ],
  [
    "exactly one of listed values",
    { oneOf: [{ enum: [1, 2] }, { enum: [2, 3] }] },
    ["1", "3"],
    ["2"],
  ],
  [
    "all of them",
    {
      allOf: [
        { properties: { a: { minimum: 3 } }, required: ["a"] },
        { properties: { a: { type: "integer", maximum: 4 } } },
      ],
      type: "object",
    },
    ['{"a":3}', '{"a":4}'],
    ["{}", '{"a":5}', '{"a":2}'],
  ],
  ["not one of them", { type: ["string", "null"], not: { type: "null" } }, [
    '"x"',
  ], ["null"]],
  [
    "a condition",
    {
      type: "object",
      properties: { k: { enum: ["a", "b"] } },
      required: ["k"],
      if: { properties: { k: { const: "a" } }, required: ["k"] },
      then: { properties: { n: { const: 1 } }, required: ["n"] },
    },
    ['{"k":"a","n":1}'],
    ['{"k":"a"}'],
  ],
  [
    "a tree",
    {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: {
            next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
          },
          required: ["next"],
          additionalProperties: false,
        },
      },
    },
    ['{"next":null}', '{"next":{"next":{"next":null}}}'],
    ["{}", '{"next":{}}'],
  ],
  [
    "a reference by name, and keywords beside it",
    {
      $defs: { x: { $anchor: "small", type: "integer", maximum: 5 } },
      $ref: "#small",
      minimum: 4,
    },
    ["4", "5"],
    ["3", "6"],
  ],
];

for (const [name, schema, good, bad] of CASES) {
  Deno.test(`schemaNode() follows ${name}`, () => {
    for (const text of good) {
      assertEquals(schemaAccepts(schema, text), true, text);
    }
    for (const text of bad) {
      assertEquals(schemaAccepts(schema, text), false, text);
    }
  });
}
