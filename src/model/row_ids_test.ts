import { assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { RowIds } from "./row_ids.ts";

Deno.test("RowIds.shared() counts rows of a prompt, never the last token", () => {
  const rows = new RowIds();
  rows.appendPrompt([1, 2]);
  rows.appendPrompt([3]);
  assertEquals(rows.shared([1, 2, 3]), 2);
  assertEquals(rows.shared([1, 2, 3, 4]), 3);
  assertEquals(rows.shared([1, 9, 3, 4]), 1);
  assertEquals(rows.shared([9]), 0);
});

Deno.test("RowIds.shared() counts steps only behind the same prompt", () => {
  const rows = new RowIds();
  rows.appendPrompt([1, 2]);
  rows.appendSteps([3, 4]);
  assertEquals(rows.shared([1, 2, 3, 4, 5]), 2);
  assertEquals(rows.shared([1, 2, 3, 4, 5], 2), 4);
  assertEquals(rows.shared([1, 2, 3, 4], 2), 3);
  assertEquals(rows.shared([1, 2, 3, 4, 5], 3), 2);
  assertEquals(rows.shared([1, 2, 3, 4, 5], 1), 1);
  rows.appendPrompt([5]);
  rows.appendSteps([6]);
  // Behind the steps it is neither a prompt's nor that answer's.
  assertEquals(rows.shared([1, 2, 3, 4, 5, 6, 7], 2), 4);
  assertEquals([rows.length, rows.promptLength, rows.knownLength], [6, 2, 4]);
});

Deno.test("RowIds.shared() gives only rows that ran as the text wants it", () => {
  const random = seeded(3);
  const below = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 3000; round++) {
    const rows = new RowIds();
    // By definition: each row's id and kind, in order.
    const ran: { id: number; kind: string }[] = [];
    for (let i = below(6); i > 0; i--) {
      const ids = Array.from({ length: below(3) }, () => below(2));
      const kind = ["prompt", "steps", "truncate"][below(3)]!;
      if (kind === "truncate") {
        const length = below(ran.length + 1);
        rows.truncate(length);
        ran.length = length;
      } else {
        if (kind === "prompt") rows.appendPrompt(ids);
        else rows.appendSteps(ids);
        ran.push(...ids.map((id) => ({ id, kind })));
      }
    }
    const ids = Array.from({ length: 1 + below(8) }, () => below(2));
    const promptLength = 1 + below(ids.length);
    let shared = 0;
    while (
      shared < ids.length - 1 && ran[shared]?.id === ids[shared] &&
      ran[shared]?.kind === (shared < promptLength ? "prompt" : "steps")
    ) shared++;
    assertEquals(rows.shared(ids, promptLength), shared);
  }
});
