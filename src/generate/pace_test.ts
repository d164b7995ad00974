import { assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

/** The steps of chunks, when each takes so many milliseconds. */
function stepsOf(msOfStep: number, chunks: number): number[] {
  const pace = new Pace();
  return Array.from({ length: chunks }, () => {
    const { steps } = pace;
    pace.note(steps, steps * msOfStep);
    return steps;
  });
}

Deno.test("Pace begins with one step and doubles as long as chunks are short", () => {
  assertEquals(stepsOf(2, 6), [1, 2, 4, 8, 8, 8]);
  assertEquals(stepsOf(0.01, 9), [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  assertEquals(stepsOf(13, 3), [1, 1, 1]);
  assertEquals(stepsOf(500, 3), [1, 1, 1]);
});

Deno.test("Pace takes fewer steps when they become slow", () => {
  const pace = new Pace();
  for (const [ms, expected] of [[3, 2], [3, 4], [9, 2], [30, 1], [3, 2]]) {
    pace.note(pace.steps, pace.steps * ms!);
    assertEquals(pace.steps, expected);
  }
});

Deno.test("Pace keeps to a number of steps that was asked for", () => {
  const pace = new Pace({ fixed: 5 });
  pace.note(5, 1000);
  assertEquals(pace.steps, 5);
});

Deno.test("Pace does not take the read-back for a step", () => {
  const pace = new Pace({ overheadMs: 11 });
  for (const expected of [2, 4, 4]) {
    pace.note(pace.steps, 11.5 + pace.steps * 3.3);
    assertEquals(pace.steps, expected);
  }
});
