import { assertRejects } from "@std/assert";
import { checkDiskSpace } from "./disk_space.ts";

Deno.test("checkDiskSpace() refuses what leaves no room, and asks the system", async () => {
  const folder = await Deno.makeTempDir();
  await checkDiskSpace("m", 1000, { folder });
  await checkDiskSpace("m", 1e9, { folder, free: 1.1e9 });
  for (const options of [{ folder, free: 1e9 }, { folder }]) {
    await assertRejects(
      () => checkDiskSpace("m", options.free ?? 1e18, options),
      Error,
      'Cannot download "m": it takes ',
    );
  }
  await assertRejects(
    () => checkDiskSpace("m", 0, { folder, free: 1000 }),
    Error,
    'Cannot download "m": 64.0 MiB have to stay free, and',
  );
  await Deno.remove(folder);
});
