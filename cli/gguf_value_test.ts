import { assertEquals, assertThrows } from "@std/assert";
import type { GgufValue } from "../src/gguf/field.ts";
import { parseValue } from "./gguf_value.ts";

const READ: [type: string, text: string, value: unknown][] = [
  ["u32", "7", 7],
  ["i8", "-7", -7],
  ["u64", "18446744073709551615", 2n ** 64n - 1n],
  ["i64", "-5", -5n],
  ["f32", "1e-5", 1e-5],
  ["f64", "-Infinity", -Infinity],
  ["f32", "NaN", NaN],
  ["bool", "true", true],
  ["bool", "false", false],
  ["string", " [1] ", " [1] "],
  ["string", "", ""],
  ["u32[]", "[1, 2]", [1, 2]],
  ["f32[]", '[1, 2.5, "NaN"]', [1, 2.5, NaN]],
  ["u64[]", '[1, "18446744073709551615"]', [1n, 2n ** 64n - 1n]],
  ["bool[]", "[true]", [true]],
  ["string[]", '["a", ""]', ["a", ""]],
  ["i32[]", "[]", []],
];

for (const [type, text, value] of READ) {
  Deno.test(`parseValue() reads ${type} from ${JSON.stringify(text)}`, () => {
    const wanted = type.endsWith("[]")
      ? { type: "array", of: type.slice(0, -2), value }
      : { type, value };
    assertEquals(parseValue(type, text), wanted as GgufValue);
  });
}

const REFUSED: [type: string, text: string, message: string][] = [
  ["u32", "7.5", 'it is "7.5", an integer is wanted'],
  ["u32", "", "an integer is wanted"],
  ["u32", "1e3", "an integer is wanted"],
  ["f32", " ", "a number is wanted"],
  ["f32", "1,5", 'it is "1,5", a number is wanted'],
  ["f64", "1e309", 'it is "1e309", a number below 2^1024 is wanted'],
  ["f64[]", "[1, -1e309]", 'element 1: it is "-Infinity", a number below'],
  ["bool", "1", "true or false is wanted"],
  ["u32[]", "1", "a list such as [1, 2]"],
  ["u32[]", "[1", "a list such as [1, 2]"],
  ["u32[]", "[1, 1.5]", 'element 1: it is "1.5", an integer is wanted'],
  ["u64[]", "[18446744073709551615]", "a string, as numbers end at 2^53,"],
  ["string[]", '["a", 1]', 'element 1: it is "1", string is wanted'],
  ["f32[]", "[null]", 'element 0: it is "null", a number is wanted'],
  ["array", "[]", 'its type is "array", one of u8'],
  ["u32[][]", "[]", 'its type is "u32[][]"'],
];

for (const [type, text, message] of REFUSED) {
  Deno.test(`parseValue() refuses ${JSON.stringify(text)} as ${type}`, () => {
    assertThrows(() => parseValue(type, text), TypeError, message);
  });
}
