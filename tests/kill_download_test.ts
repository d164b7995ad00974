import { assertEquals } from "@std/assert";
import { killDownloads } from "./kill_download.ts";

Deno.test("downloadModel() goes on to a good file when its program is killed at any moment", async () => {
  const { kills } = await killDownloads({
    count: 2,
    seed: 5,
    bytes: 2_000_000,
  });
  assertEquals(kills, 2);
});
