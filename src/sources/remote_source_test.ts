import { assertEquals, assertRejects } from "@std/assert";
import {
  MANNERS,
  MODEL,
  OTHER,
  wholeReply,
} from "../../tests/hostile_cases.ts";
import { type Behave, HostileServer } from "../../tests/hostile_server.ts";
import { openInput } from "./open.ts";

/** What a server does with requests of more than the first byte. */
const CASES: Record<string, Behave> = {
  "drops every connection, but not at once": () => ({ dropAfter: 30_000 }),
  "sends less than it was asked for": ({ range }, { headers, body }) =>
    range && {
      headers: {
        ...headers,
        "content-range": `bytes ${range[0]}-${range[0] + 9999}/${MODEL.length}`,
        "content-length": "10000",
      },
      body: body.subarray(0, 10_000),
    },
  "sends several parts in one": ({ range }, { headers, body }) =>
    range && {
      headers: {
        ...headers,
        "content-range": undefined,
        "content-type": "multipart/byteranges; boundary=X",
      },
      body,
    },
  "sends all of it in place of a part": ({ range }, { headers }) =>
    range && wholeReply(headers),
};

for (const [what, behave] of Object.entries(CASES)) {
  Deno.test(`openInput() reads the header where a server ${what}`, async () => {
    await using server = new HostileServer({ "/m.gguf": MODEL });
    server.behave = (request, reply) =>
      request.range?.[1] === 1 ? undefined : behave(request, reply);
    await using source = await openInput(server.url("/m.gguf"), {
      cacheDir: "/nowhere",
      manners: MANNERS,
    });
    const bytes = new Uint8Array(300_000);
    await source.readInto(bytes.subarray(0, 1000), 0);
    await source.readInto(bytes, 0);
    assertEquals(bytes, MODEL.slice(0, bytes.length));
  });
}

Deno.test("openInput() takes a file that changes before its header is read, and none later", async () => {
  await using server = new HostileServer({ "/m.gguf": MODEL });
  await using source = await openInput(server.url("/m.gguf"), {
    cacheDir: "/nowhere",
    manners: MANNERS,
  });
  server.files.set("/m.gguf", { bytes: OTHER, etag: '"v2"' });
  const bytes = new Uint8Array(1000);
  await source.readInto(bytes, 0);
  assertEquals(bytes, OTHER.slice(0, 1000));
  server.files.set("/m.gguf", { bytes: MODEL, etag: '"v1"' });
  await assertRejects(
    () => source.readInto(bytes, MODEL.length - 1000),
    Error,
    'its etag is "v1" now and was "v2"',
  );
});

Deno.test("openInput() takes no length that no file has", async () => {
  await using server = new HostileServer({ "/m.gguf": MODEL });
  server.behave = ({ range }, { headers }) =>
    range && {
      headers: {
        ...headers,
        "content-range": `bytes ${range[0]}-${range[1] - 1}/${"9".repeat(25)}`,
      },
    };
  await using source = await openInput(server.url("/m.gguf"), {
    cacheDir: "/nowhere",
    manners: MANNERS,
  });
  assertEquals(source.size, MODEL.length);
});
