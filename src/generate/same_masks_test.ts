import { assertEquals } from "@std/assert";
import { SameMasks } from "./same_masks.ts";

/** The steps after each mask. */
function stepsOf(cost: number, masks: readonly unknown[]): number[] {
  const same = new SameMasks(cost);
  return masks.map((mask) => {
    same.note(mask);
    return same.steps;
  });
}

Deno.test("SameMasks takes more steps the longer masks stay the same", () => {
  const steps = stepsOf(0.08, Array(400).fill("a"));
  assertEquals(steps, steps.toSorted((a, b) => a - b));
  assertEquals([steps[0], steps[10]], [1, 1]);
  assertEquals([steps[20], steps[100], steps[399]], [2, 4, 8]);
});

Deno.test("SameMasks takes one step where masks change, or nothing is to gain", () => {
  assertEquals(stepsOf(0.08, ["a", "b", "a", "b"]), [1, 1, 1, 1]);
  assertEquals(stepsOf(0.08, [...Array(99).fill("a"), "b"]).at(-1), 1);
  assertEquals(stepsOf(0, Array(999).fill("a")).at(-1), 1);
});

Deno.test("SameMasks takes more steps where reading back costs more", () => {
  const masks = Array(20).fill("a");
  assertEquals(stepsOf(0.02, masks).at(-1), 1);
  assertEquals(stepsOf(1, masks).at(-1), 8);
});
