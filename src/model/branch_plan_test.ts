import { assertEquals } from "@std/assert";
import { type BranchPass, planBranches } from "./branch_plan.ts";

/** A pass in short: where it begins, and each row's id and gap. */
const inShort = ({ position, fork, rows }: BranchPass) => ({
  at: [position, fork],
  rows: rows.map(({ id, gap }) => [id, gap]),
});

const PREFIX = [90, 91, 92];

Deno.test("planBranches() packs rows behind the prefix's last token", () => {
  const continuations = [[1, 2, 3], [4], [5, 6], [7, 8, 9]];
  const plan = { prefix: PREFIX, continuations, most: 10, slots: 20 };
  const [pass, ...rest] = planBranches(plan);
  assertEquals(inShort(pass!), {
    at: [2, 3],
    rows: [[92, 0], [1, 0], [2, 0], [5, 2], [7, 3], [8, 3]],
  });
  assertEquals(rest, []);
  assertEquals(
    pass!.rows.map(({ continuation, next }) => [continuation, next]),
    [
      [-1, 0],
      ...[[0, 1], [0, 2], [2, 1], [3, 1], [3, 2]],
    ],
  );
});

Deno.test("planBranches() begins a pass where rows or the cache are full", () => {
  const continuations = [[1, 2], [3, 4], [5, 6, 7]];
  const expected = [
    { at: [2, 3], rows: [[92, 0], [1, 0], [3, 1]] },
    { at: [3, 3], rows: [[5, 0], [6, 0]] },
  ];
  for (const [most, slots] of [[3, 20], [9, 5]] as const) {
    const plan = { prefix: PREFIX, continuations, most, slots };
    assertEquals(planBranches(plan).map(inShort), expected);
  }
});

Deno.test("planBranches() cuts what is longer than a pass", () => {
  const continuations = [[1, 2], [3, 4, 5, 6, 7, 8], [9, 10]];
  const plan = { prefix: PREFIX, continuations, most: 3, slots: 20 };
  assertEquals(planBranches(plan).map(inShort), [
    { at: [2, 3], rows: [[92, 0], [1, 0], [9, 1]] },
    { at: [3, 0], rows: [[3, 0], [4, 0], [5, 0]] },
    { at: [6, 0], rows: [[6, 0], [7, 0]] },
  ]);
});

Deno.test("planBranches() runs the prefix where nothing else has rows", () => {
  const plan = { prefix: [90], most: 1, slots: 1 };
  for (const continuations of [[], [[1], [2]]]) {
    assertEquals(planBranches({ ...plan, continuations }).map(inShort), [
      { at: [0, 1], rows: [[90, 0]] },
    ]);
  }
});
