import { assertEquals } from "@std/assert";
import { cut, printable } from "./printable.ts";

Deno.test("printable() escapes what a terminal would take as a command", () => {
  assertEquals(
    printable("a\u001b[2J\u009b1m\u202e\u2028\u007f"),
    [
      "a\\u001b[2J\\u009b1m\\u202e\\u2028\\u007f",
    ].join(""),
  );
  assertEquals(printable('é▁😀"\\\n'), 'é▁😀\\"\\\\\\n');
  assertEquals(printable("\u{e0041}\ud800"), "\\u{e0041}\\ud800");
});

Deno.test("cut() counts columns, and cuts no character in two", () => {
  assertEquals(cut("abc", 3), "abc");
  assertEquals(cut("abcd", 3), "ab…");
  assertEquals(cut("😀😀", 4), "😀😀");
  assertEquals(cut("😀😀😀", 4), "😀…");
  assertEquals(cut("漢字漢字", 5), "漢字…");
  assertEquals(cut("ab", 1), "…");
  assertEquals(cut("", 1), "");
});
