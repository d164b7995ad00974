import { assertEquals, assertThrows } from "@std/assert";
import { own, parseJson, parseJsonObject } from "./json.ts";

const LIMITS = { label: "f", maxDepth: 3, maxValues: 10, unique: true };

Deno.test("parseJson() reads any value", () => {
  for (const text of ["1", '"a\\"]["', "[]", '{"a":{"b":[1]}}', " null "]) {
    assertEquals(parseJson(text, LIMITS), JSON.parse(text));
  }
});

Deno.test("parseJson() lets names come again in other objects", () => {
  parseJson('[{"a":1},{"a":{"a":"a"}}]', LIMITS);
});

Deno.test("parseJson() leaves names alone when they need not be unique", () => {
  const limits = { ...LIMITS, unique: false };
  assertEquals(parseJson('{"a":1,"a":2}', limits), { a: 2 });
});

const REFUSED: readonly [string, string, string][] = [
  ["levels", "[[[[]]]]", "more than 3 levels"],
  ["values", `[${"1,".repeat(11)}1]`, "more than 10 values"],
  ["a name twice", '{"a":1,"a" :2}', 'the name "a" twice'],
  ["a name twice by escapes", '{"a":1,"\\u0061":2}', 'the name "a" twice'],
  ["an open text", '{"a":"\\"', "it is no JSON"],
  ["nothing", "", "it is no JSON"],
];

for (const [what, text, message] of REFUSED) {
  Deno.test(`parseJson() refuses ${what}`, () => {
    assertThrows(() => parseJson(text, LIMITS), Error, message);
  });
}

Deno.test("parseJsonObject() refuses other values", () => {
  for (const text of ["[1]", "null", '"a"', "1"]) {
    assertThrows(
      () => parseJsonObject(text, LIMITS),
      TypeError,
      "an object is wanted",
    );
  }
});

Deno.test("own() finds own properties only when names are those of all objects", () => {
  const object = parseJsonObject('{"__proto__":1,"a":null}', LIMITS);
  assertEquals(own(object, "__proto__"), 1);
  assertEquals(own(object, "constructor"), undefined);
  assertEquals(own(object, "a"), undefined);
});
