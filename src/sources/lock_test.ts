import { assert, assertEquals, assertRejects } from "@std/assert";
import { withFolder } from "../../tests/folder.ts";
import { acquireLock, tryLock } from "./lock.ts";

Deno.test("acquireLock() lets one at a time through, and leaves nothing", () =>
  withFolder(async (folder) => {
    const path = `${folder}/l`;
    let inside = 0;
    let most = 0;
    let waits = 0;
    await Promise.all(Array.from({ length: 5 }, async () => {
      await using _ = await acquireLock(path, { onWait: () => void waits++ });
      most = Math.max(most, ++inside);
      await new Promise((go) => setTimeout(go, 5));
      inside--;
    }));
    assertEquals(most, 1);
    assert(waits > 0);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("acquireLock() stops waiting when it is aborted", () =>
  withFolder(async (folder) => {
    const path = `${folder}/l`;
    await using _ = await acquireLock(path);
    assertEquals(await tryLock(path), undefined);
    const signal = AbortSignal.timeout(20);
    await assertRejects(() => acquireLock(path, { signal }), DOMException);
  }));

Deno.test("acquireLock() takes over from a program that was killed", () =>
  withFolder(async (folder) => {
    const path = `${folder}/l`;
    const holder = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { acquireLock } from "${new URL("./lock.ts", import.meta.url)}";
         await acquireLock(${JSON.stringify(path)});
         console.log("locked");
         setInterval(() => {}, 1000);`,
      ],
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    assertEquals(await tryLock(path), undefined);
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    await using lock = await tryLock(path);
    assert(lock !== undefined);
  }));
