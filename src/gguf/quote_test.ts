import { assertEquals } from "@std/assert";
import { quote } from "./quote.ts";

Deno.test("quote() escapes control characters", () => {
  assertEquals(quote('a"\n\0'), '"a\\"\\n\\u0000"');
});

Deno.test("quote() cuts text of more than 80 characters", () => {
  assertEquals(quote("x".repeat(80)), `"${"x".repeat(80)}"`);
  assertEquals(quote("x".repeat(81)), `"${"x".repeat(80)}…"`);
});
