import { assert, assertEquals } from "@std/assert";
import { fuzzCheckpoints, FUZZED } from "./checkpoint/fuzz.ts";

const COUNT = 400;

for (const kind of FUZZED.keys()) {
  Deno.test(`${kind} files of checkpoints are read or refused when they are broken`, async () => {
    const { read, refused } = await fuzzCheckpoints(kind, {
      count: COUNT,
      seed: 7,
    });
    assertEquals(read + refused, COUNT);
    // Flips within names and numbers leave some files valid.
    assert(read > 0 && refused > COUNT / 2, JSON.stringify({ read, refused }));
  });
}
