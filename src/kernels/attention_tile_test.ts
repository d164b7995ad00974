import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { tileCode, tileRows } from "./attention_tile.ts";
import { tileShape } from "./attention_variants.ts";
import { headOctets } from "./kv_cache.ts";

/** How often a pattern occurs. */
const count = (code: string, pattern: RegExp) =>
  code.match(new RegExp(pattern, "g"))?.length ?? 0;

function codeOf(headDim: number): string {
  return tileCode({ ...tileShape(headDim), octets: headOctets(headDim) });
}

Deno.test("tileCode() unrolls all but the loop over tiles", () => {
  for (const headDim of [8, 48, 80, 128, 256]) {
    const code = codeOf(headDim);
    assertEquals(count(code, /\bfor\b|\bwhile\b|\bloop\b/), 1);
    assertEquals(count(code, /workgroupBarrier/), 2);
  }
});

Deno.test("tileCode() keeps within 16 KiB with the tree of reduce_sum()", () => {
  for (let headDim = 2; headDim <= 256; headDim += 2) {
    const quads = codeOf(headDim).matchAll(/array<vec4f, (\d+)>/g)
      .reduce((sum, [, length]) => sum + Number(length), 0);
    assertLessOrEqual(16 * (quads + 128), 16384);
  }
});

Deno.test("tileCode() reduces where a query has several invocations", () => {
  assertEquals(count(codeOf(32), /reduce_sum/), 0);
  // Two rows, eight keys, four at a time.
  assertEquals(count(codeOf(128), /reduce_sum/), 4);
});

Deno.test("tileCode() leaves the query zero behind the head's end", () => {
  // 14 quads: 2 slices of 7. 18 quads: 4 slices of 5, the last ones short.
  assertEquals(count(codeOf(56), /vec4f\(0\.0\), q\[/), 0);
  assertMatch(codeOf(72), /vec4f\(0\.0\), q\[.*slice \+ 16u < 18u/);
});

Deno.test("tileRows() is what a workgroup works on", () => {
  const rows = (headDim: number) => tileRows(tileShape(headDim));
  assertEquals([32, 64, 128, 256].map(rows), [256, 128, 64, 32]);
});
