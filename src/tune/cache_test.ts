import { assertEquals } from "@std/assert";
import { withCache } from "../../tests/cache.ts";
import { readTuning, type Tuning, tuningPath, writeTuning } from "./cache.ts";

const DEVICE = "test device";
const fast = { variant: "fast", ms: 1, untriedMs: 2 };
const slow = { variant: "slow", ms: 3, untriedMs: 3 };

Deno.test("tuningPath() lies in the cache folder, one file a device", () =>
  withCache(async (folder) => {
    const path = await tuningPath(DEVICE);
    assertEquals(path?.startsWith(`${folder}/seraph/tuning/`), true);
    assertEquals(await tuningPath(DEVICE), path);
    assertEquals(await tuningPath("another") === path, false);
  }));

Deno.test("writeTuning() adds to what is there", () =>
  withCache(async () => {
    const path = (await tuningPath(DEVICE))!;
    assertEquals(await readTuning(path, DEVICE), new Map());
    assertEquals(
      await writeTuning(path, DEVICE, new Map([["a", slow], ["b", slow]])),
      true,
    );
    await writeTuning(path, DEVICE, new Map([["b", fast], ["c", fast]]));
    const expected: Tuning = new Map([["a", slow], ["b", fast], ["c", fast]]);
    assertEquals(await readTuning(path, DEVICE), expected);
    assertEquals(await readTuning(path, "another"), new Map());
  }));

Deno.test("writeTuning() leaves one whole file when many write at once", () =>
  withCache(async (folder) => {
    const path = (await tuningPath(DEVICE))!;
    await Promise.all(Array.from(
      { length: 20 },
      (_, i) => writeTuning(path, DEVICE, new Map([[`${i}`, fast]])),
    ));
    const tuning = await readTuning(path, DEVICE);
    assertEquals(tuning.size > 0, true);
    const files = [...Deno.readDirSync(`${folder}/seraph/tuning`)];
    assertEquals(files.length, 1);
  }));

for (
  const [name, text] of [
    ["empty", ""],
    ["cut off", '{"version":2,"device":"test device","products":{"a":{"vari'],
    ["no object", "[1, 2]"],
    [
      "of another version",
      '{"version":1,"device":"test device","products":{}}',
    ],
    [
      "of other contents",
      '{"version":2,"device":"test device","products":{"a":{"variant":7}}}',
    ],
  ] as const
) {
  Deno.test(`readTuning() gives nothing when the file is ${name}`, () =>
    withCache(async () => {
      const path = (await tuningPath(DEVICE))!;
      await writeTuning(path, DEVICE, new Map([["a", fast]]));
      await Deno.writeTextFile(path, text);
      assertEquals(await readTuning(path, DEVICE), new Map());
      await writeTuning(path, DEVICE, new Map([["b", slow]]));
      assertEquals(await readTuning(path, DEVICE), new Map([["b", slow]]));
    }));
}

Deno.test("writeTuning() says so when it cannot write", () =>
  withCache(async (folder) => {
    await Deno.writeTextFile(`${folder}/seraph`, "a file, not a folder");
    const path = (await tuningPath(DEVICE))!;
    assertEquals(
      await writeTuning(path, DEVICE, new Map([["a", fast]])),
      false,
    );
  }));

Deno.test({
  name: "tuningPath() gives nothing when the program may not use the folder",
  permissions: { env: true, read: true },
  async fn() {
    assertEquals(await tuningPath(DEVICE), undefined);
  },
});
