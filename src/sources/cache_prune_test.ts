import { assert, assertEquals, assertRejects } from "@std/assert";
import { HostileServer } from "../../tests/hostile_server.ts";
import { makeModel } from "../../tests/models.ts";
import { verifyCache } from "./cache_check.ts";
import { type CachedFile, listCache } from "./cache_list.ts";
import { choosePruned, pruneCache } from "./cache_prune.ts";
import { downloadModel } from "./download_model.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.parse("2030-01-01");

function file(path: string, parts: Partial<CachedFile>, days = 0): CachedFile {
  return {
    path,
    label: path,
    kind: "file",
    bytes: 100,
    sha256: undefined,
    lastUsed: new Date(NOW - days * DAY_MS),
    ...parts,
  };
}

const FILES = [
  file("a", {}, 10),
  file("b", {}, 1),
  file("c", { bytes: 500 }, 5),
  file("d", { kind: "part" }, 3),
  file("e", { kind: "part" }, 0.5),
  file("f", { kind: "leftover" }),
];

for (
  const [criteria, wanted] of [
    [{}, "df"],
    [{ partDays: 0 }, "def"],
    [{ partDays: 4 }, "f"],
    [{ days: 5 }, "acdf"],
    [{ days: 0 }, "abcdf"],
    [{ maxBytes: 700 }, "df"],
    [{ maxBytes: 699 }, "adf"],
    [{ maxBytes: 599 }, "acdf"],
    [{ maxBytes: 0 }, "abcdf"],
    [{ maxBytes: 500, days: 10 }, "acdf"],
  ] as const
) {
  Deno.test(`choosePruned() takes ${wanted} for ${JSON.stringify(criteria)}`, () => {
    const paths = choosePruned(FILES, criteria, NOW).map(({ path }) => path);
    assertEquals(paths.join(""), wanted);
  });
}

/** A cache with a whole file, a part, a stream that was left, and files of others. */
async function withFullCache(fn: (cacheDir: string) => Promise<void>) {
  const cacheDir = await Deno.makeTempDir();
  try {
    await using server = new HostileServer({
      "/a/m.gguf": makeModel(),
      "/b/n.gguf": makeModel(),
    });
    await downloadModel(server.url("/a/m.gguf"), { cacheDir });
    const controller = new AbortController();
    const { signal } = controller;
    server.sentBytes = 0;
    const timer = setInterval(() => {
      if (server.sentBytes > 20_000) controller.abort();
    }, 5);
    server.behave = () => ({ delayMs: 10, pieceBytes: 10_000 });
    await assertRejects(() =>
      downloadModel(server.url("/b/n.gguf"), { cacheDir, signal })
    );
    clearInterval(timer);
    await Deno.mkdir(`${cacheDir}/.streams`);
    await Deno.writeTextFile(`${cacheDir}/.streams/left.gguf`, "left");
    await Deno.mkdir(`${cacheDir}/mine`);
    await Deno.writeTextFile(`${cacheDir}/mine/own.gguf`, "my own");
    await fn(cacheDir);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
}

Deno.test("pruneCache() removes what is asked for, and never files of others", () =>
  withFullCache(async (cacheDir) => {
    const kinds = async () =>
      (await listCache({ cacheDir })).map(({ kind }) => kind).sort();
    assertEquals(await kinds(), ["file", "leftover", "part"]);
    assertEquals((await pruneCache({ cacheDir, dryRun: true })).length, 1);
    assertEquals(await kinds(), ["file", "leftover", "part"]);
    await pruneCache({ cacheDir });
    assertEquals(await kinds(), ["file", "part"]);
    await pruneCache({ cacheDir, partDays: 0 });
    assertEquals(await kinds(), ["file"]);
    await pruneCache({ cacheDir, days: 0 });
    assertEquals(await kinds(), []);
    assertEquals(
      [...Deno.readDirSync(cacheDir)].map(({ name }) => name),
      ["mine"],
    );
    assertEquals(
      await Deno.readTextFile(`${cacheDir}/mine/own.gguf`),
      "my own",
    );
  }));

Deno.test("pruneCache() leaves what a program is downloading or keeping", () =>
  withFullCache(async (cacheDir) => {
    const part = (await listCache({ cacheDir }))
      .find(({ kind }) => kind === "part")!;
    using lock = await Deno.open(part.path.replace(/part$/, "lock"), {
      create: true,
      write: true,
    });
    await lock.lock(true);
    using stream = await Deno.open(`${cacheDir}/.streams/left.gguf.lock`, {
      create: true,
      write: true,
    });
    await stream.lock(true);
    assertEquals(await pruneCache({ cacheDir, partDays: 0 }), []);
    assert(await Deno.stat(part.path));
  }));

Deno.test("listCache() says what is wrong when the cache is no folder", async () => {
  const cacheDir = await Deno.makeTempFile();
  try {
    await assertRejects(
      () => listCache({ cacheDir }),
      Error,
      "Cannot list the cache: Not a directory",
    );
  } finally {
    await Deno.remove(cacheDir);
  }
});

Deno.test("listCache() and verifyCache() tell what is broken", () =>
  withFullCache(async (cacheDir) => {
    const [whole] = await verifyCache({ cacheDir });
    assertEquals(whole!.problem, undefined);
    await Deno.writeFile(whole!.path, new Uint8Array(whole!.bytes));
    const [changed] = await verifyCache({ cacheDir });
    assert(changed!.problem!.startsWith("its SHA-256 is "));
    await Deno.truncate(whole!.path, 10);
    assertEquals(await verifyCache({ cacheDir }), []);
    const kinds = (await listCache({ cacheDir })).map(({ kind }) => kind);
    // The record, and the file that it is not of any more.
    assertEquals(kinds.filter((kind) => kind === "leftover").length, 3);
  }));

Deno.test("listCache() finds nothing when there is no cache", async () => {
  assertEquals(await listCache({ cacheDir: "/no/such/folder" }), []);
  await assertRejects(
    () => pruneCache({ cacheDir: "/no/such/folder", days: -1 }),
    RangeError,
    "days is -1, a number from 0 on is wanted",
  );
});
