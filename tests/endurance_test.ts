import { assert, assertEquals, assertLess } from "@std/assert";
import { projectFile } from "./engine.ts";

Deno.test("10,000 tokens of many conversations leave nothing behind", async () => {
  // In a process of its own, whose memory no other test takes.
  const script = projectFile("tests/endurance.ts");
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script.pathname],
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);
  const json = JSON.parse(new TextDecoder().decode(stdout));
  const { tokens, warm, end, isSame } = json;
  assert(tokens >= 10_000);
  assertEquals(end.buffers, warm.buffers);
  assertEquals(end.bytes, warm.bytes);
  assertLess(end.rss - warm.rss, 32 * 2 ** 20);
  assert(isSame);
});
