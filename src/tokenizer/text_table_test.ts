import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/vocabularies.ts";
import { slotCount, TextTable } from "./text_table.ts";

Deno.test("TextTable.find() finds texts, whole and as a part of a text", () => {
  const table = new TextTable(["a", "ab", "", "ĠĠ"]);
  assertEquals(table.find("ab"), 1);
  assertEquals(table.find("xabx", 1, 3), 1);
  assertEquals(table.find("xabx", 1, 2), 0);
  assertEquals(table.find("ab", 1, 1), 2);
  assertEquals(table.find("abc"), -1);
  assertEquals(table.find("b"), -1);
  assertEquals(table.textOf(3), "ĠĠ");
});

Deno.test("TextTable.find() finds the last one of texts that are alike", () => {
  const table = new TextTable(["a", "b", "a"]);
  assertEquals(table.find("a"), 2);
  assertEquals(table.add("b"), 3);
  assertEquals(table.find("b"), 3);
});

Deno.test("TextTable.add() grows as a Map does", () => {
  const random = seededRandom(1);
  const table = new TextTable([]);
  const map = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const text = random(3000).toString(3);
    map.set(text, table.add(text));
  }
  for (let i = 0; i < 3000; i++) {
    const text = i.toString(3);
    assertEquals(table.find(text), map.get(text) ?? -1);
  }
});

Deno.test("slotCount() gives powers of two that are at most half full", () => {
  assertEquals([0, 8, 9, 1000].map(slotCount), [16, 16, 32, 2048]);
});
