import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { sha256 } from "../../tests/fake_hub.ts";
import { HostileServer } from "../../tests/hostile_server.ts";
import { makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import type { SourceOptions } from "./context.ts";
import { downloadModel } from "./download_model.ts";
import { openInput } from "./open.ts";
import type { DownloadProgress } from "./options.ts";

const MODEL = makeModel({ dim: 64, hiddenDim: 192 });
const MANNERS = {
  connections: 3,
  pieceBytes: 50_000,
  idleMs: 2000,
  retryMs: 1,
  attempts: 3,
  saveMs: 5,
};

async function withServer(
  fn: (server: HostileServer, cacheDir: string) => Promise<void>,
): Promise<void> {
  const cacheDir = await Deno.makeTempDir();
  try {
    await using server = new HostileServer({ "/a/m.gguf": MODEL });
    await fn(server, cacheDir);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
}

async function hashOf(
  input: string | URL | ReadableStream<Uint8Array>,
  options: SourceOptions,
) {
  await using source = await openInput(input, { manners: MANNERS, ...options });
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return sha256(bytes);
}

/** All names in a folder and those in it. */
function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? namesIn(`${folder}/${name}`) : [name]
  ).sort();
}

Deno.test("openInput() reads the header alone from a server", async () => {
  const large = makeModel({ dim: 256, hiddenDim: 1024, layers: 2 });
  await using server = new HostileServer({ "/m.gguf": large });
  {
    await using source = await openInput(server.url("/m.gguf"), {
      cacheDir: "/nowhere",
    });
    const { tensors } = await readGguf(source);
    assert(tensors.size > 5);
  }
  assertLess(server.sentBytes, 2 ** 20 + 2);
  assert(large.length > 4_000_000);
});

Deno.test("openInput() reads the header of a server that knows no ranges, and no more", async () => {
  const large = makeModel({ dim: 256, hiddenDim: 1024, layers: 2 });
  await using server = new HostileServer({ "/m.gguf": large });
  server.behave = ({ range }, { headers }) =>
    range && {
      status: 200,
      headers: {
        ...headers,
        "content-range": undefined,
        "content-length": `${large.length}`,
      },
      body: large,
      delayMs: 2, // else all of it may lie in buffers of the system
      pieceBytes: 20_000,
    };
  server.files.set("/m.gguf", { bytes: large });
  await using source = await openInput(server.url("/m.gguf"), {
    cacheDir: "/nowhere",
  });
  assertEquals((await readGguf(source)).label, `${server.origin}/m.gguf`);
  const bytes = new Uint8Array(100);
  await source.readInto(bytes, large.length - 100);
  assertEquals(bytes, large.subarray(-100));
});

Deno.test("openInput() takes the cache when the file is the same, or its server is gone", () =>
  withServer(async (server, cacheDir) => {
    const url = server.url("/a/m.gguf");
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    const sent = server.sentBytes;
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    assert(server.sentBytes - sent <= 1);
    // With a hash nobody needs to be asked.
    const count = server.requests.length;
    const wanted = sha256(MODEL).toUpperCase();
    await hashOf(url, { cacheDir, sha256: wanted });
    await hashOf(url, { cacheDir, offline: true });
    assertEquals(server.requests.length, count);
    server.behave = () => ({ status: 503, headers: {} });
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    await server[Symbol.asyncDispose]();
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    await assertRejects(
      () => hashOf(url, { cacheDir, sha256: "0".repeat(64) }),
      Error,
      "cannot be reached: Connection refused",
    );
    await assertRejects(
      () => hashOf(url, { cacheDir, sha256: "0".repeat(64), offline: true }),
      Error,
      `has the SHA-256 ${sha256(MODEL)}`,
    );
    await assertRejects(
      () => hashOf(server.url("/b.gguf"), { cacheDir, offline: true }),
      Error,
      `it is not in "${cacheDir}", and offline mode`,
    );
  }));

Deno.test("openInput() downloads a file once when many want it", () =>
  withServer(async (server, cacheDir) => {
    server.behave = () => ({ delayMs: 10, pieceBytes: 20_000 });
    const url = server.url("/a/m.gguf");
    const phases = new Set<string>();
    const onProgress = ({ phase }: DownloadProgress) => void phases.add(phase);
    const hashes = await Promise.all(
      Array.from({ length: 4 }, () => hashOf(url, { cacheDir, onProgress })),
    );
    assertEquals(hashes, Array(4).fill(sha256(MODEL)));
    assertLess(server.sentBytes, MODEL.length + 10);
    assertEquals([...phases].sort(), ["downloading", "verifying", "waiting"]);
    assertEquals(namesIn(cacheDir), ["m.gguf", "m.gguf.json"]);
  }));

Deno.test("openInput() goes on when who downloaded the file gives up", () =>
  withServer(async (server, cacheDir) => {
    server.behave = () => ({ delayMs: 10, pieceBytes: 20_000 });
    const url = server.url("/a/m.gguf");
    const signal = AbortSignal.timeout(80);
    const [first, second] = await Promise.allSettled([
      hashOf(url, { cacheDir, signal }),
      new Promise((go) => setTimeout(go, 30)).then(() =>
        hashOf(url, { cacheDir })
      ),
    ]);
    assertEquals(first.status, "rejected");
    assertEquals(second, { status: "fulfilled", value: sha256(MODEL) });
    assertLess(server.sentBytes, MODEL.length + 150_000);
  }));

Deno.test("openInput() follows redirects, and tells no other server the password", () =>
  withServer(async (other, cacheDir) => {
    await using server = new HostileServer();
    server.behave = ({ path }) => ({
      status: 302,
      headers: {
        location: path === "/1" ? "/2" : `${other.origin}/a/m.gguf`,
        "content-length": "0",
      },
    });
    const url = server.url("/1");
    url.username = "me";
    url.password = "word";
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    const seen = ({ headers }: { headers: Headers }) =>
      headers.get("authorization");
    assertEquals(
      new Set(server.requests.map(seen)),
      new Set(["Basic bWU6d29yZA=="]),
    );
    assertEquals(new Set(other.requests.map(seen)), new Set([null]));
  }));

for (
  const [what, location, message] of [
    ["in circles", "/m.gguf", "it redirects more than 10 times"],
    ["to a file", "file:///etc/passwd", 'it redirects to "file:", http(s) is'],
    ["to nowhere", "http://", "it redirects to no URL"],
  ] as const
) {
  Deno.test(`openInput() refuses a server that redirects ${what}`, () =>
    withServer(async (server, cacheDir) => {
      server.behave = () => ({
        status: 301,
        headers: { location, "content-length": "0" },
      });
      await assertRejects(
        () => hashOf(server.url("/m.gguf"), { cacheDir }),
        Error,
        message,
      );
    }));
}

Deno.test("downloadModel() fetches all parts of a split model, with one progress", () =>
  withServer(async (server, cacheDir) => {
    const urls = [1, 2].map((no) => `/m-0000${no}-of-00002.gguf`);
    for (const [i, url] of urls.entries()) {
      server.files.set(url, { bytes: MODEL, etag: `"${i}"` });
    }
    const told: DownloadProgress[] = [];
    const { label, path, paths } = await downloadModel(
      server.url(urls[1]!),
      { cacheDir, onProgress: (one) => told.push(one) },
    );
    assertEquals(label, server.url(urls[1]!).href);
    assertEquals(paths.map((one) => sha256(Deno.readFileSync(one))), [
      sha256(MODEL),
      sha256(MODEL),
    ]);
    assertEquals(path, paths[0]);
    assert(path.endsWith("m-00001-of-00002.gguf"));
    assertEquals(told.at(-1)!.totalBytes, 2 * MODEL.length);
    assertEquals(told.at(-1)!.loadedBytes, 2 * MODEL.length);
    await assertRejects(
      () => downloadModel(server.url(urls[1]!), { sha256: sha256(MODEL) }),
      TypeError,
      "sha256 is given, and it has 2 files",
    );
  }));

Deno.test("downloadModel() refuses what is on this machine, and hashes that are none", async () => {
  await assertRejects(
    () => downloadModel("models/x.gguf"),
    TypeError,
    'Cannot download "models/x.gguf": it is no http(s) URL',
  );
  await assertRejects(
    () => downloadModel("http://h/m", { sha256: "abc" }),
    TypeError,
    'sha256 is "abc", 64 hex digits are wanted',
  );
  await assertRejects(
    () => downloadModel("http://h/m", { signal: AbortSignal.abort() }),
    DOMException,
  );
});

Deno.test("openInput() refuses a file that has changed since its header was read", () =>
  withServer(async (server, cacheDir) => {
    const url = server.url("/a/m.gguf");
    await using source = await openInput(url, { cacheDir, manners: MANNERS });
    await readGguf(source);
    const other = makeModel({ dim: 64, hiddenDim: 192, contextLength: 65 });
    server.files.set("/a/m.gguf", { bytes: other, etag: '"v2"' });
    await assertRejects(
      () => source.prepare!(),
      Error,
      "it changed on the server after its header was read",
    );
    assertEquals(await hashOf(url, { cacheDir }), sha256(other));
  }));

Deno.test("openInput() downloads anew when a server tells no versions", () =>
  withServer(async (server, cacheDir) => {
    const url = server.url("/a/m.gguf");
    server.behave = (_, { headers }) => ({
      headers: { ...headers, etag: undefined },
    });
    assertEquals(await hashOf(url, { cacheDir }), sha256(MODEL));
    const other = makeModel({ dim: 64, hiddenDim: 192, seed: 3 });
    assertEquals(other.length, MODEL.length);
    server.files.set("/a/m.gguf", { bytes: other });
    assertEquals(await hashOf(url, { cacheDir }), sha256(other));
  }));

Deno.test("openInput() prints nothing that a terminal would obey", () =>
  withServer(async (server, cacheDir) => {
    const { message } = await assertRejects(
      () => openInput(server.url("/%1b[31mred%0a.gguf"), { cacheDir }),
      Error,
      "%1b[31mred%0a.gguf",
    );
    assertEquals(/\p{C}/u.test(message), false);
  }));
