import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { sha256 } from "../../tests/fake_hub.ts";
import { JUNK, MANNERS, MODEL, OTHER } from "../../tests/hostile_cases.ts";
import { HostileServer } from "../../tests/hostile_server.ts";
import { filesOf, readAll } from "../../tests/read_source.ts";

Deno.test("openInput() waits as long as the server says", async () => {
  const cacheDir = await Deno.makeTempDir();
  await using server = new HostileServer({ "/m.gguf": MODEL });
  let refused = 0;
  server.behave = ({ range }) =>
    range && range[1] > 1 && refused++ < 1
      ? { status: 429, headers: { "retry-after": "1" }, body: JUNK }
      : undefined;
  const start = performance.now();
  const read = await readAll(server.url("/m.gguf"), {
    cacheDir,
    manners: { ...MANNERS, connections: 1 },
  });
  assertEquals(sha256(read), sha256(MODEL));
  assert(performance.now() - start >= 950);
  server.behave = () => ({
    status: 429,
    headers: { "retry-after": "3600" },
    body: JUNK,
  });
  const { message } = await assertRejects(
    () => readAll(server.url("/m.gguf"), { cacheDir, sha256: "0".repeat(64) }),
    Error,
  );
  assertStringIncludes(message, "wants 3600 seconds of rest");
  await Deno.remove(cacheDir, { recursive: true });
});

Deno.test("openInput() never mixes two versions of a file that changes midway", async () => {
  const cacheDir = await Deno.makeTempDir();
  await using server = new HostileServer({ "/m.gguf": MODEL });
  server.behave = ({ number }) => {
    if (number === 5) {
      server.files.set("/m.gguf", { bytes: OTHER, etag: '"2"' });
    }
  };
  const read = await readAll(server.url("/m.gguf"), { cacheDir });
  assertEquals(sha256(read), sha256(OTHER));
  await Deno.remove(cacheDir, { recursive: true });
});

Deno.test("openInput() goes on where it stopped when it was aborted", async () => {
  const cacheDir = await Deno.makeTempDir();
  await using server = new HostileServer({ "/m.gguf": MODEL });
  const url = server.url("/m.gguf");
  const controller = new AbortController();
  server.behave = ({ number }) => {
    if (number === 6) controller.abort(new Error("enough"));
  };
  await assertRejects(
    () => readAll(url, { cacheDir, signal: controller.signal }),
    Error,
    "enough",
  );
  const before = await filesOf(cacheDir);
  assertEquals([...before.keys()].sort(), ["m.gguf.map", "m.gguf.part"]);
  server.sentBytes = 0;
  assertEquals(sha256(await readAll(url, { cacheDir })), sha256(MODEL));
  assertLess(server.sentBytes, MODEL.length - 50_000);
  await Deno.remove(cacheDir, { recursive: true });
});

Deno.test("openInput() begins anew when bytes of an earlier attempt are wrong", async () => {
  const cacheDir = await Deno.makeTempDir();
  await using server = new HostileServer({ "/m.gguf": MODEL });
  const url = server.url("/m.gguf");
  const options = { cacheDir, sha256: sha256(MODEL) };
  const controller = new AbortController();
  server.behave = ({ number }, { body }) => {
    if (number === 7) controller.abort();
    return { body: body.map((byte) => byte ^ 1) };
  };
  const { signal } = controller;
  await assertRejects(() => readAll(url, { ...options, signal }));
  server.behave = () => {};
  assertEquals(sha256(await readAll(url, options)), sha256(MODEL));
  await Deno.remove(cacheDir, { recursive: true });
});
