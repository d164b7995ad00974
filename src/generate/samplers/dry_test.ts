import { assert, assertEquals } from "@std/assert";
import { seeded } from "../../../tests/gguf_mutate.ts";
import { Candidates } from "./candidates.ts";
import { applyDry, type Breakers, repeatedLengths } from "./dry.ts";

const NONE: Breakers = new Map();

/** By its definition: every earlier place is compared with the end, id by id. */
function repeatedNaively(
  text: readonly number[],
  { allowedLength, breakers }: { allowedLength: number; breakers: Breakers },
): Map<number, number> {
  const lengths = new Map<number, number>();
  const { length } = text;
  if (length <= allowedLength) return lengths;
  // From the end of the last breaker on; of several there, of the longest one.
  let start = 0;
  for (let i = 0; i < length; i++) {
    const ends = (breakers.get(text[i]!) ?? [])
      .filter((rest) => rest.every((id, j) => text[i + 1 + j] === id))
      .map((rest) => i + 1 + rest.length);
    if (ends.length > 0) start = Math.max(...ends);
  }
  if (length - start < allowedLength) return lengths;
  for (let end = 0; end < length - 1; end++) {
    let shared = 0;
    while (
      shared <= end && shared < length - start &&
      text[end - shared] === text[length - 1 - shared]
    ) shared++;
    if (shared < allowedLength) continue;
    const next = text[end + 1]!;
    lengths.set(next, Math.max(shared, lengths.get(next) ?? 0));
  }
  return lengths;
}

const asObject = (lengths: Map<number, number>) =>
  Object.fromEntries([...lengths].sort(([a], [b]) => a - b));

for (const alphabet of [1, 2, 3, 8]) {
  Deno.test(`repeatedLengths() finds what comparing all places finds, of ${alphabet} ids`, () => {
    const next = seeded(alphabet);
    let found = 0;
    for (let i = 0; i < 400; i++) {
      const length = Math.floor(next() * 40);
      const text = Array.from(
        { length },
        () => Math.floor(next() * alphabet),
      );
      const breakers = new Map(
        i % 2 === 0 ? [] : [
          [0, [[1, 1], [2], [1, 1, 0]]],
          [5, [[]]],
        ],
      );
      const options = { allowedLength: i % 5, breakers };
      const expected = repeatedNaively(text, options);
      const actual = repeatedLengths(text, options);
      assertEquals(asObject(actual), asObject(expected), `[${text}]`);
      found += actual.size;
    }
    assert(found > 300, `${found}`);
  });
}

Deno.test("repeatedLengths() ends repetitions at the longest breaker that stands there", () => {
  const text = [1, 2, 7, 8, 3, 4, 9, 1, 2, 7, 8, 3, 4];
  const lengthAt = (breakers: [number, number[][]][]) =>
    repeatedLengths(text, { allowedLength: 1, breakers: new Map(breakers) })
      .get(9);
  assertEquals(lengthAt([]), 6);
  assertEquals(lengthAt([[7, [[]]]]), 3);
  assertEquals(lengthAt([[7, [[], [8]]]]), 2);
  assertEquals(lengthAt([[7, [[9]]]]), 6);
  assertEquals(lengthAt([[4, [[]]]]), undefined); // the text ends with one
  assertEquals(lengthAt([[4, [[9]]]]), 6); // one that has not ended
});

Deno.test("applyDry() penalizes by the length of the repetition", () => {
  const text = [5, 1, 2, 3, 9, 8, 1, 2, 3];
  for (const allowedLength of [1, 2, 3, 4]) {
    const candidates = new Candidates(new Float32Array(10));
    const options = { multiplier: 0.5, base: 3, allowedLength };
    applyDry(candidates, text, { ...options, breakers: NONE });
    const expected = new Float32Array(10);
    if (allowedLength <= 3) expected[9] = -0.5 * 3 ** (3 - allowedLength);
    assertEquals(candidates.logits, expected);
  }
});

Deno.test("applyDry() spares tokens that are breakers by themselves", () => {
  const text = [1, 2, 9, 1, 2];
  const logitOf = (breakers: Breakers) => {
    const candidates = new Candidates(new Float32Array(10));
    const options = { multiplier: 1, base: 2, allowedLength: 2 };
    applyDry(candidates, text, { ...options, breakers });
    return candidates.logits[9];
  };
  assertEquals(logitOf(NONE), -1);
  // Not even behind it a text is repeated that was broken before.
  assertEquals(logitOf(new Map([[9, [[]]]])), 0);
  assertEquals(logitOf(new Map([[9, [[4]]]])), -1);
});

Deno.test("applyDry() leaves logits finite, however long the repetition is", () => {
  const text = Array.from({ length: 3000 }, () => 4);
  for (const base of [1, 1.000001, 1.1, 1e6]) {
    const candidates = new Candidates(new Float32Array(6));
    const options = { multiplier: 1e6, base, allowedLength: 0 };
    applyDry(candidates, text, { ...options, breakers: NONE });
    const logit = candidates.logits[4]!;
    assert(logit < 0 && Number.isFinite(logit), `${logit}`);
  }
});
