import { assert, assertEquals } from "@std/assert";
import { FUZZED, type FuzzOutcome } from "./checkpoint/fuzz.ts";
import { projectFile } from "./engine.ts";

const COUNT = 400;

// In a process of its own, whose memory is that of the files alone.
Deno.test("files of checkpoints are read or refused when they are broken", async () => {
  const script = "tests/fuzz_checkpoints.ts";
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, "--count", `${COUNT}`, "--seed", "7"],
    cwd: projectFile("."),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, text(stderr));
  const outcomes: (FuzzOutcome & { kind: string })[] = text(stdout).trimEnd()
    .split("\n").map((line) => JSON.parse(line));
  assertEquals(outcomes.map(({ kind }) => kind), [...FUZZED.keys()]);
  for (const { kind, read, refused } of outcomes) {
    assertEquals(read + refused, COUNT);
    // Flips within names and numbers leave some files valid.
    assert(read > 0 && refused > COUNT / 2, `${kind}: ${read}, ${refused}`);
  }
});
