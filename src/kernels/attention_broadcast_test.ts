import { assertEquals, assertMatch } from "@std/assert";
import { broadcastCode } from "./attention_broadcast.ts";

/** How often a pattern occurs. */
const count = (code: string, pattern: RegExp) =>
  code.match(new RegExp(pattern, "g"))?.length ?? 0;

Deno.test("broadcastCode() unrolls all but the loop over the keys", () => {
  const code = broadcastCode({ lanes: 4, rows: 2, octets: 3 });
  assertEquals(count(code, /\bfor\b|\bwhile\b|\bloop\b/), 1);
  assertMatch(code, /for \(var first = first_key; .*; first \+= 4u\)/);
  // No barrier, no memory but the bindings, and nothing indexed but them.
  assertEquals(count(code, /Barrier|var<|array</), 0);
  assertEquals(count(code, /\w+\[/), count(code, /\bq\[/));
});

Deno.test("broadcastCode() loads a key once for all rows", () => {
  for (const rows of [1, 2]) {
    const [lanes, octets] = [4, 3];
    const code = broadcastCode({ lanes, rows, octets });
    assertEquals(count(code, /= key_octet/), octets);
    assertEquals(count(code, /= value_octet/), octets);
    assertEquals(count(code, /= subgroupBroadcast/), 2 * 2 * octets * lanes);
    assertEquals(count(code, /= dot_onto/), rows * 2 * octets * lanes);
  }
});

Deno.test("broadcastCode() takes each lane's key", () => {
  const code = broadcastCode({ lanes: 4, rows: 1, octets: 1 });
  for (const lane of [0, 1, 2, 3]) {
    assertMatch(
      code,
      new RegExp(
        `octet\\.lo, ${lane}u\\);\\n    s0_${lane} = dot_onto\\(s0_${lane}, q0_0, x\\);`,
      ),
    );
    assertMatch(
      code,
      new RegExp(
        `octet\\.hi, ${lane}u\\);\\n    y0_1 = fma\\(vec4f\\(p0_${lane}\\), x, y0_1\\);`,
      ),
    );
  }
});
