import { assert, assertEquals } from "@std/assert";
import {
  chooseMarks,
  type Marks,
  markText,
  removeMarks,
  splitRuns,
} from "./marks.ts";

const MARKS: Marks = { inner: "|", outer: "\v" };

Deno.test("markText() marks every character, and outer white space so that it can be trimmed", () => {
  const marked = markText(" \na b\t", MARKS);
  assertEquals(marked, "\v \v\n|a| |b\v\t");
  assertEquals(marked.trim(), "|a| |b");
  assertEquals(marked.trimStart(), "|a| |b\v\t");
  assertEquals(marked.trimEnd(), "\v \v\n|a| |b");
  assertEquals(markText(" \n", MARKS).trim(), "");
  assertEquals(markText("", MARKS), "");
});

Deno.test("markText() marks a character beyond the BMP once", () => {
  assertEquals(markText("🍰a", MARKS), "|🍰|a");
});

Deno.test("markText() marks chosen characters alone", () => {
  assertEquals(markText("<a>", MARKS, (char) => char !== "a"), "|<a|>");
});

Deno.test("splitRuns() tells message text from the format's", () => {
  const text = `<s>${markText("</s> 🍰", MARKS)}</s>${markText(" x ", MARKS)}`;
  assertEquals(splitRuns(text, MARKS), [
    { text: "<s>", isContent: false },
    { text: "</s> 🍰", isContent: true },
    { text: "</s>", isContent: false },
    { text: " x ", isContent: true },
  ]);
  assertEquals(splitRuns("", MARKS), []);
});

Deno.test("splitRuns() counts what follows a mark left alone as message text", () => {
  assertEquals(splitRuns("|", MARKS), []);
  assertEquals(splitRuns("|a|</s>", MARKS), [
    { text: "a<", isContent: true },
    { text: "/s>", isContent: false },
  ]);
});

Deno.test("splitRuns() takes millions of characters", () => {
  const text = "x".repeat(3_000_000);
  assertEquals(splitRuns(markText(text, MARKS), MARKS).map((run) => run.text), [
    text,
  ]);
});

Deno.test("removeMarks() undoes markText()", () => {
  const text = " a 🍰\n</s>\u2003";
  assertEquals(removeMarks(markText(text, MARKS), MARKS), text);
});

Deno.test("chooseMarks() chooses characters that no text has", () => {
  const { inner, outer } = chooseMarks(["\ufdd0\ufeff", "\ufdd1"]);
  assertEquals(inner, "\ufdd2");
  assertEquals(outer, "\u2028");
  assertEquals(outer.trim(), "");
});

Deno.test("chooseMarks() gives marks even when the texts use them all", () => {
  const all = Array.from(
    { length: 0x10000 },
    (_, i) => String.fromCharCode(i),
  ).join("");
  const { inner, outer } = chooseMarks([all]);
  assert(inner !== "" && outer !== "" && inner !== outer);
});
