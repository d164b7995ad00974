import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/vocabularies.ts";
import { MergeTable } from "./merge_table.ts";
import { hashOf, joinHashes } from "./text_table.ts";

/** The rank of a merge of two texts, asked for twice. */
function rankOf(table: MergeTable, left: string, right: string): number {
  const pair = [table.symbolOf(left), table.symbolOf(right)] as const;
  const rank = table.rankOf(...pair);
  assertEquals(table.rankOf(...pair), rank);
  return rank;
}

Deno.test("MergeTable.rankOf() finds the merges that a Map has", () => {
  const random = seededRandom(3);
  const text = () => (1 + random(80)).toString(3);
  const merges: string[] = [];
  const ranks = new Map<string, number>();
  for (let rank = 0; rank < 3000; rank++) {
    const merge = `${text()} ${text()}`;
    merges.push(merge);
    if (!ranks.has(merge)) ranks.set(merge, rank); // the first one counts
  }
  const table = new MergeTable(["1", "2", "10"], merges);
  for (let i = 0; i < 10_000; i++) {
    const [left, right] = [text(), text()];
    const wanted = ranks.get(`${left} ${right}`) ?? -1;
    assertEquals(rankOf(table, left, right), wanted, `${left} ${right}`);
    if (wanted < 0) continue;
    assertEquals(table.textOf(table.resultOf(wanted)), left + right);
  }
});

Deno.test("MergeTable.rankOf() tells merges apart whose hashes are the same", () => {
  const alike = [["byg", "uen"], ["wgl", "eyv"]] as const;
  const merges = alike.map((pair) => pair.join(" "));
  assertEquals(hashOf(merges[0]!), hashOf(merges[1]!));
  for (const list of [merges, merges.toReversed()]) {
    const table = new MergeTable([], list);
    for (const [left, right] of alike) {
      assertEquals(
        rankOf(table, left, right),
        list.indexOf(`${left} ${right}`),
      );
    }
    assertEquals(rankOf(table, "byg", "eyv"), -1);
  }
  const one = new MergeTable([], [merges[0]!]);
  assertEquals(rankOf(one, "wgl", "eyv"), -1);
});

Deno.test("MergeTable.rankOf() cuts merges at the first space behind a character", () => {
  const table = new MergeTable([], ["a b c", "x", " y", "  z", "q ", "", "a"]);
  assertEquals(rankOf(table, "a", "b c"), 0);
  assertEquals(rankOf(table, "a b", "c"), -1);
  assertEquals(rankOf(table, "", "y"), -1);
  assertEquals(rankOf(table, " ", "z"), 3);
  assertEquals(rankOf(table, "q", ""), 4);
});

Deno.test("joinHashes() gives the hash of two texts, one behind the other", () => {
  const texts = ["", "a", "Ġa", "\u0000", "\uffff".repeat(70), "x".repeat(3)];
  for (const left of texts) {
    for (const right of texts) {
      assertEquals(
        joinHashes(hashOf(left), hashOf(right), right.length),
        hashOf(left + right),
      );
      assertEquals(hashOf(left + right, left.length), hashOf(right));
    }
  }
});
