import { assertAlmostEquals, assertEquals } from "@std/assert";
import { logSumExp, topTokens } from "./logits.ts";

Deno.test("logSumExp() neither overflows nor loses small terms", () => {
  assertAlmostEquals(logSumExp([0, 0, 0, 0]), Math.log(4), 1e-15);
  assertAlmostEquals(logSumExp([1000, 1000]), 1000 + Math.LN2, 1e-12);
  assertAlmostEquals(logSumExp([-1000, -1000]), -1000 + Math.LN2, 1e-12);
  assertEquals(logSumExp([5, -Infinity]), 5);
  const many = new Float32Array(1e5).fill(-20);
  assertAlmostEquals(logSumExp([0, ...many]), Math.log1p(1e5 * Math.exp(-20)));
});

Deno.test("topTokens() gives logits and log-probabilities among all tokens", () => {
  const logits = Float32Array.of(1, 3, 2, 3);
  const total = logSumExp(logits);
  assertEquals(topTokens(logits, 3), [
    { id: 1, logit: 3, logprob: 3 - total },
    { id: 3, logit: 3, logprob: 3 - total },
    { id: 2, logit: 2, logprob: 2 - total },
  ]);
});
