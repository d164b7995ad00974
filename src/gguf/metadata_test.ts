import { assertEquals, assertThrows } from "@std/assert";
import * as metadata from "./metadata.ts";

const VALUES: metadata.Metadata = {
  name: "llama",
  count: 32,
  huge: 2n ** 64n - 1n,
  yes: false,
  empty: [],
  words: ["a", ""],
  numbers: [1, -0.5],
  mixed: [1, "a"],
};

Deno.test("getters read values of their type", () => {
  assertEquals(metadata.getString(VALUES, "name"), "llama");
  assertEquals(metadata.getNumber(VALUES, "count"), 32);
  assertEquals(metadata.getBoolean(VALUES, "yes"), false);
  assertEquals(metadata.getStrings(VALUES, "words"), ["a", ""]);
  assertEquals(metadata.getNumbers(VALUES, "numbers"), [1, -0.5]);
  assertEquals(metadata.getStrings(VALUES, "empty"), []);
  assertEquals(metadata.requireString(VALUES, "name"), "llama");
  assertEquals(metadata.requireNumber(VALUES, "count"), 32);
  assertEquals(metadata.requireBoolean(VALUES, "yes"), false);
  assertEquals(metadata.requireStrings(VALUES, "words"), ["a", ""]);
  assertEquals(metadata.requireNumbers(VALUES, "numbers"), [1, -0.5]);
});

for (const type of ["String", "Number", "Boolean", "Strings", "Numbers"]) {
  const getters = metadata as unknown as Record<
    string,
    (values: metadata.Metadata, key: string) => unknown
  >;
  const get = getters[`get${type}`]!;
  const require = getters[`require${type}`]!;

  Deno.test(`get${type}() is undefined when there is no such key`, () => {
    assertEquals(get(VALUES, "none"), undefined);
    assertEquals(get(VALUES, "toString"), undefined);
    assertEquals(get(Object.create(null), "none"), undefined);
  });

  Deno.test(`require${type}() throws when there is no such key`, () => {
    assertThrows(
      () => require(VALUES, "llama.none"),
      TypeError,
      'Cannot read "llama.none": the file has no such key',
    );
  });
}

const WRONG: [() => unknown, string][] = [
  [
    () => metadata.getNumber(VALUES, "name"),
    'Cannot read "name": it is a string, a number is wanted',
  ],
  [
    () => metadata.getNumber(VALUES, "huge"),
    'Cannot read "huge": it is the integer 18446744073709551615, ' +
    "a number is wanted",
  ],
  [
    () => metadata.requireString(VALUES, "words"),
    'Cannot read "words": it is an array, a string is wanted',
  ],
  [
    () => metadata.getBoolean(VALUES, "count"),
    'Cannot read "count": it is a number, a boolean is wanted',
  ],
  [
    () => metadata.getNumbers(VALUES, "count"),
    'Cannot read "count": it is a number, an array of numbers is wanted',
  ],
  [
    () => metadata.requireNumbers(VALUES, "mixed"),
    'Cannot read "mixed": its element 1 is a string, ' +
    "an array of numbers is wanted",
  ],
  [
    () => metadata.getStrings(VALUES, "numbers"),
    'Cannot read "numbers": its element 0 is a number, ' +
    "an array of strings is wanted",
  ],
];
for (const [read, message] of WRONG) {
  Deno.test(`getters throw when a value is of another type: ${message}`, () => {
    assertEquals(assertThrows(read, TypeError).message, message);
  });
}
