import { assertEquals } from "@std/assert";
import { Meter } from "./meter.ts";
import type { DownloadProgress } from "./options.ts";

Deno.test("Meter counts the files of a model together", async () => {
  const told: DownloadProgress[] = [];
  const meter = new Meter({ label: "m", onProgress: (one) => told.push(one) });
  meter.expect(100);
  meter.expect(50);
  meter.begin("downloading", 20);
  await new Promise((go) => setTimeout(go, 20));
  meter.add(80);
  meter.begin("verifying", 0);
  meter.finish(100);
  meter.begin("downloading", 0);
  meter.add(50);
  const short = told.map(({ phase, loadedBytes, totalBytes }) =>
    [phase, loadedBytes, totalBytes] as const
  );
  assertEquals(short, [
    ["downloading", 20, 150],
    ["verifying", 0, 150],
    ["downloading", 100, 150],
    ["downloading", 150, 150],
  ]);
  assertEquals(told.every(({ label }) => label === "m"), true);
  assertEquals(told.at(-1)!.secondsLeft, 0);
});

Deno.test("Meter does not take what was there before for speed", async () => {
  const told: DownloadProgress[] = [];
  const meter = new Meter({ label: "m", onProgress: (one) => told.push(one) });
  meter.expect(2e9);
  meter.begin("downloading", 1e9);
  await new Promise((go) => setTimeout(go, 120));
  meter.add(1000);
  const { bytesPerSecond, secondsLeft } = told.at(-1)!;
  assertEquals(bytesPerSecond > 0 && bytesPerSecond < 10_000, true);
  assertEquals(secondsLeft, (2e9 - 1e9 - 1000) / bytesPerSecond);
});

Deno.test("Meter says that the end is unknown when a size is", () => {
  const told: DownloadProgress[] = [];
  const meter = new Meter({ label: "m", onProgress: (one) => told.push(one) });
  meter.expect(100);
  meter.expect(undefined);
  meter.begin("downloading", 0);
  assertEquals(told[0]!.totalBytes, undefined);
  assertEquals(told[0]!.secondsLeft, undefined);
});
