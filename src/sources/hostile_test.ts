import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { type Behave, HostileServer } from "../../tests/hostile_server.ts";
import { makeModel } from "../../tests/models.ts";
import type { SourceOptions } from "./context.ts";
import { openInput } from "./open.ts";

/** A model of about 560 KB. */
const MODEL = makeModel({ dim: 64, hiddenDim: 192 });
const OTHER = makeModel({ dim: 64, hiddenDim: 192, seed: 2 });

/** So that several connections and pieces are at it, and nothing waits long. */
export const MANNERS = {
  connections: 3,
  pieceBytes: 50_000,
  idleMs: 300,
  retryMs: 1,
  attempts: 4,
  saveMs: 5,
};

const sha256 = (bytes: Uint8Array) =>
  createHash("sha256").update(bytes).digest("hex");

async function readAll(
  input: URL,
  options: SourceOptions,
): Promise<Uint8Array> {
  await using source = await openInput(input, { manners: MANNERS, ...options });
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return bytes;
}

/** All files of a folder but records: by name their bytes. */
async function filesOf(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (!isDirectory) files.set(name, await Deno.readFile(path));
    else for (const file of await filesOf(path)) files.set(...file);
  }
  return files;
}

/** What a server does, and what has to come of it. */
interface Case {
  name: string;
  behave: () => Behave;
  /** What the error says; `undefined` where a good file has to come. */
  error?: string;
  options?: SourceOptions;
  /** What has to come, if not `MODEL`. */
  bytes?: Uint8Array;
}

/** Misbehaves for some requests of more than the first byte. */
function sometimes(
  which: (countOfAll: number, countOfRange: number) => boolean,
  behave: Behave,
): () => Behave {
  return () => {
    let all = 0;
    const ranges = new Map<string, number>();
    return (request, reply) => {
      const key = String(request.range);
      if (key === "0,1") return undefined;
      const count = ranges.get(key) ?? 0;
      ranges.set(key, count + 1);
      return which(all++, count) ? behave(request, reply) : undefined;
    };
  };
}
const always = () => true;
const first = (many: number) => (all: number) => all < many;
/** The first time that a range is asked for. */
const often = (_: number, count: number) => count === 0;
const JUNK = new TextEncoder().encode("<html>Not found</html>");

const CASES: Case[] = [
  { name: "behaves", behave: () => () => {} },
  {
    name: "drops the first connection of each range",
    behave: sometimes(often, () => ({ dropAfter: 20_000 })),
  },
  {
    name: "drops every connection, but not at once",
    behave: sometimes(always, () => ({ dropAfter: 30_000 })),
  },
  {
    name: "drops every connection at once",
    behave: sometimes(always, () => ({ dropAfter: 0 })),
    error: "the connection broke, after 4 attempts",
  },
  {
    name: "truncates and says so",
    behave: sometimes(often, (_, { headers, body }) => ({
      headers: { ...headers, "content-length": "1000" },
      body: body.subarray(0, 1000),
    })),
  },
  {
    name: "truncates without a length",
    behave: sometimes(often, (_, { headers, body }) => ({
      headers: { ...headers, "content-length": undefined },
      body: body.subarray(0, 1000),
    })),
  },
  {
    name: "answers 200 to ranges, with all of it",
    behave: () => ({ range }, { headers }) =>
      range && {
        status: 200,
        headers: {
          ...headers,
          "content-range": undefined,
          "content-length": `${MODEL.length}`,
        },
        body: MODEL,
      },
  },
  {
    name: "answers 200 to ranges after the first",
    behave: sometimes(always, (_, { headers }) => ({
      status: 200,
      headers: {
        ...headers,
        "content-range": undefined,
        "content-length": `${MODEL.length}`,
      },
      body: MODEL,
    })),
  },
  {
    name: "answers 206 with all of it",
    behave: sometimes(always, (_, { headers }) => ({
      headers: { ...headers, "content-length": `${MODEL.length}` },
      body: MODEL,
    })),
  },
  {
    name: "sends another range than it was asked for",
    behave: sometimes(often, ({ range }, { headers }) =>
      range && {
        headers: {
          ...headers,
          "content-range": `bytes 0-${range[1] - range[0] - 1}/${MODEL.length}`,
        },
        body: MODEL.subarray(0, range[1] - range[0]),
      }),
  },
  {
    name: "changes its ETag at every request",
    behave: () => (request, { headers }) => ({
      headers: { ...headers, etag: `"${request.number}"` },
    }),
    error: "did not stay as it was: its etag is",
  },
  {
    name: "says more bytes than there are",
    behave: () => ({ range }, { headers }) => ({
      headers: {
        ...headers,
        ...(range && {
          "content-range": `bytes ${range[0]}-${range[1] - 1}/${
            MODEL.length + 1000
          }`,
          "content-length": `${range[1] - range[0]}`,
        }),
      },
    }),
    error: `of ${MODEL.length + 1000}, after 4 attempts`,
  },
  {
    name: "says fewer bytes than there are",
    behave: () => ({ range }, { headers, body }) =>
      range
        ? {
          headers: {
            ...headers,
            "content-range": `bytes ${range[0]}-${range[1] - 1}/300000`,
          },
        }
        : { headers: { ...headers, "content-length": "300000" }, body },
    error: "what came is no whole GGUF file",
  },
  {
    name: "says another length at each request",
    behave: () => ({ number, range }, { headers }) => ({
      headers: {
        ...headers,
        "content-range": range &&
          `bytes ${range[0]}-${range[1] - 1}/${MODEL.length + number}`,
      },
    }),
    error: "did not stay as it was",
  },
  {
    name: "sends something else at the end",
    behave: sometimes(always, (_, { body }) => ({
      body: body.map((byte, i) => i === body.length - 1 ? byte ^ 1 : byte),
    })),
    options: { sha256: sha256(MODEL) },
    error: `${sha256(MODEL)} is wanted`,
  },
  {
    name: "tells a wrong hash",
    behave: () => (_, { headers }) => ({
      headers: { ...headers, "x-linked-etag": `"${sha256(OTHER)}"` },
    }),
    error: `its SHA-256 is ${sha256(MODEL)}, ${sha256(OTHER)} is wanted`,
  },
  {
    name: "answers 416 to every range",
    behave: () => ({ range }, { headers }) =>
      range && {
        status: 416,
        headers: { ...headers, "content-range": undefined },
        body: new Uint8Array(),
      },
  },
  {
    name: "answers 416 to the first request of each range",
    behave: sometimes(often, () => ({
      status: 416,
      headers: { "content-length": "0" },
      body: new Uint8Array(),
    })),
  },
  {
    name: "answers 500 three times",
    behave: sometimes(first(3), () => ({ status: 500, body: JUNK })),
  },
  {
    name: "answers 503 forever",
    behave: () => () => ({ status: 503, body: JUNK }),
    error: "answers 503 Service Unavailable, after 4 attempts",
  },
  {
    name: "answers 404",
    behave: () => () => ({ status: 404, body: JUNK }),
    error: "answers 404 Not Found",
  },
  {
    name: "answers 404 midway",
    behave: sometimes(
      (count) => count > 2,
      () => ({ status: 404, body: JUNK }),
    ),
    error: "answers 404 Not Found",
  },
  {
    name: "says nothing midway, once",
    behave: sometimes((count) => count === 2, () => ({
      delayMs: 500,
    })),
  },
  {
    name: "says nothing at all",
    behave: sometimes(always, () => ({ delayMs: 500 })),
    error: "the server says nothing any more, after 4 attempts",
  },
  {
    name: "is slow but steady",
    behave: sometimes(always, () => ({ delayMs: 5, pieceBytes: 10_000 })),
  },
  {
    name: "sends gzip unasked",
    behave: () => ({ range }, { headers, body }) => {
      const packed = gzipSync(body);
      return {
        status: range ? 206 : 200,
        headers: {
          ...headers,
          "content-encoding": "gzip",
          "content-length": `${packed.length}`,
        },
        body: packed,
      };
    },
  },
  {
    name: "sends broken gzip",
    behave: () => (_, { headers, body }) => {
      const packed = gzipSync(body).subarray(0, -100);
      return {
        status: 200,
        headers: {
          ...headers,
          "content-encoding": "gzip",
          "content-length": `${packed.length}`,
        },
        body: packed,
      };
    },
    error: "its gzip data is broken",
  },
  {
    name: "sends a page in place of the model",
    behave: () => () => ({
      status: 200,
      headers: { "content-length": `${JUNK.length}` },
      body: JUNK,
    }),
    error: "what came is no whole GGUF file",
  },
  {
    name: "knows no lengths and no ranges",
    behave: () => (_, { headers }) => ({
      status: 200,
      headers: {
        ...headers,
        "content-length": undefined,
        "content-range": undefined,
      },
      body: MODEL,
    }),
  },
  {
    name: "cuts what has no length",
    behave: () => (_, { headers }) => ({
      status: 200,
      headers: {
        ...headers,
        "content-length": undefined,
        "content-range": undefined,
      },
      body: MODEL.subarray(0, -1),
    }),
    error: "what came is no whole GGUF file",
  },
  {
    name: "speaks no HTTP",
    behave: () => () => ({ status: 99999 }),
    error: "cannot be reached",
  },
  {
    name: "has an empty file",
    behave: () => () => ({
      status: 416,
      headers: { "content-range": "bytes */0", "content-length": "0" },
      body: new Uint8Array(),
    }),
    error: "what came is no whole GGUF file",
  },
];

for (const { name, behave, error, options, bytes = MODEL } of CASES) {
  Deno.test(`openInput() comes to ${error ? "an error" : "a good file"} when the server ${name}`, async () => {
    const cacheDir = await Deno.makeTempDir();
    try {
      await using server = new HostileServer({ "/m.gguf": MODEL });
      server.behave = behave();
      const start = performance.now();
      const read = readAll(server.url("/m.gguf"), { cacheDir, ...options });
      if (error === undefined) {
        assertEquals(sha256(await read), sha256(bytes));
      } else {
        const { message } = await assertRejects(() => read, Error, error);
        assert(message.startsWith("Cannot download"), message);
        assert(message.includes(`"${server.url("/m.gguf")}"`), message);
      }
      assertLess(performance.now() - start, 4000);
      // A file under its own name is whole and right, whatever was before.
      for (const [file, content] of await filesOf(cacheDir)) {
        assert(!/\.(lock|new)$/.test(file), file);
        if (file.endsWith(".gguf")) {
          assertEquals(sha256(content), sha256(MODEL));
        }
      }
      // And the next one to come gets a good one, once the server behaves.
      server.behave = () => {};
      server.files.set("/m.gguf", { bytes: OTHER, etag: '"v2"' });
      const url = server.url("/m.gguf");
      assertEquals(sha256(await readAll(url, { cacheDir })), sha256(OTHER));
      const files = [...(await filesOf(cacheDir)).keys()].sort();
      assertEquals(files, ["m.gguf", "m.gguf.json"]);
    } finally {
      await Deno.remove(cacheDir, { recursive: true });
    }
  });
}

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
