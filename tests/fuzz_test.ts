import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { makeCase, type Outcome, tryLoad } from "./fuzz_format.ts";
import { FUZZ_FORMATS } from "./fuzz_formats.ts";

/** `fuzz_headers.ts` runs more. */
const CASES = 1000;

for (const format of FUZZ_FORMATS) {
  Deno.test(`${CASES} broken files of ${format.name} are read or refused`, async () => {
    const seeds = await format.seeds();
    const outcomes: Record<Outcome, number> = { read: 0, refused: 0 };
    for (let index = 0; index < CASES; index++) {
      const bytes = await makeCase(format, seeds, { seed: 1, index });
      const start = performance.now();
      outcomes[await tryLoad(format, bytes)]++;
      assertLess(performance.now() - start, 1000, `case ${index}`);
    }
    // Flips within names and numbers leave a file valid.
    const { read, refused } = outcomes;
    assert(read > CASES / 20 && refused > CASES / 3, JSON.stringify(outcomes));
  });
}

Deno.test("makeCase() makes the same file from the same numbers", async () => {
  for (const format of FUZZ_FORMATS) {
    const seeds = await format.seeds();
    const [a, b, c] = await Promise.all(
      [1, 1, 2].map((index) => makeCase(format, seeds, { seed: 5, index })),
    );
    assertEquals(a, b);
    assert(a!.length !== c!.length || a!.some((byte, i) => byte !== c![i]));
  }
});

Deno.test("tryLoad() passes only errors that are ours", async () => {
  const load = (error: unknown) =>
    tryLoad({
      name: "x",
      seeds: () => Promise.resolve([]),
      load: () => Promise.reject(error),
    }, new Uint8Array());
  assertEquals(await load(new RangeError('Cannot read "x": no')), "refused");
  const undefinedValue: { x?: { y: number } } = {};
  let internal: unknown;
  try {
    internal = undefinedValue.x!.y;
  } catch (error) {
    internal = error;
  }
  const others = [
    internal,
    new TypeError("Cannot convert undefined or null to object: x"),
    new Error("no"),
    new DOMException('Cannot read "x": no'),
    "Cannot read: text",
  ];
  for (const error of others) await assertRejects(() => load(error));
});
