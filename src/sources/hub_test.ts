import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FakeHub, sha256, withHub } from "../../tests/fake_hub.ts";
import { u32 } from "../../tests/gguf_builder.ts";
import { makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import { findWeights, openCheckpoint } from "./checkpoint.ts";
import type { SourceOptions } from "./context.ts";
import { openInput } from "./open.ts";
import type { DownloadProgress } from "./options.ts";

const MODEL = makeModel();
const OTHER = makeModel({ seed: 2 });

async function readAll(input: string, options: SourceOptions) {
  await using source = await openInput(input, options);
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return { label: source.label, hash: sha256(bytes) };
}

/** How many requests both servers have seen since the last call. */
function seen({ hub, cdn }: FakeHub): number {
  return hub.requests.splice(0).length + cdn.requests.splice(0).length;
}

const REPO = {
  "README.md": "# m",
  "m-Q4_K_M.gguf": MODEL,
  "m-Q8_0.gguf": OTHER,
};

Deno.test("openInput() takes a file of the hub, and then that of the cache", () =>
  withHub({ "o/r": REPO, "o/r@old": { "x.gguf": OTHER } }, async (fake) => {
    const { options } = fake;
    const wanted = { label: "hf:o/r/m-Q4_K_M.gguf", hash: sha256(MODEL) };
    assertEquals(await readAll("hf:o/r", options), wanted);
    seen(fake);
    assertEquals(await readAll("hf:o/r:Q4_K_M", options), wanted);
    assertEquals(seen(fake), 1, "the listing alone, which has its hash");
    assertEquals(
      await readAll(`${fake.hub.origin}/o/r/blob/main/m-Q8_0.gguf`, options),
      { label: "hf:o/r/m-Q8_0.gguf", hash: sha256(OTHER) },
    );
    assertEquals(
      await readAll("hf:o/r@old", options),
      { label: "hf:o/r/x.gguf@old", hash: sha256(OTHER) },
    );
  }));

Deno.test("openInput() lists all pages of a repository", () =>
  withHub({ "o/r": REPO }, async ({ options }) => {
    const { label } = await readAll("hf:o/r:Q8_0", options);
    assertEquals(label, "hf:o/r/m-Q8_0.gguf");
  }, { pageSize: 1 }));

Deno.test("openInput() tells the token to the hub and to nobody else", async () => {
  await withHub({ "o/r": REPO }, async ({ hub, cdn, options }) => {
    await assertRejects(
      () => readAll("hf:o/r", options),
      Error,
      "answers 401 Unauthorized (Repository not found): " +
        "there is no such repository, or it is private and HF_TOKEN is not set",
    );
    const told = {
      ...options,
      hub: { endpoint: hub.origin, token: "secret" },
    };
    assertEquals((await readAll("hf:o/r", told)).hash, sha256(MODEL));
    const isTold = ({ headers }: { headers: Headers }) =>
      headers.has("authorization");
    assert(hub.requests.some(isTold));
    assert(cdn.requests.length > 0);
    assert(!cdn.requests.some(isTold));
  }, { token: "secret" });
});

Deno.test("openInput() takes what the cache has when it is offline or the hub is down", () =>
  withHub({ "o/r": REPO }, async (fake) => {
    const { hub, options } = fake;
    await assertRejects(
      () => readAll("hf:o/r", { ...options, offline: true }),
      Error,
      "nothing of it is in the cache, and offline mode",
    );
    await readAll("hf:o/r:Q8_0", options);
    seen(fake);
    const wanted = { label: "hf:o/r/m-Q8_0.gguf", hash: sha256(OTHER) };
    const offline = { ...options, offline: true };
    assertEquals(await readAll("hf:o/r", offline), wanted);
    await assertRejects(
      () => readAll("hf:o/r:Q4_K_M", offline),
      Error,
      "it has no file of Q4_K_M, only m-Q8_0.gguf",
    );
    assertEquals(seen(fake), 0);
    hub.behave = () => ({ status: 503, headers: {} });
    assertEquals(await readAll("hf:o/r/m-Q8_0.gguf", options), wanted);
    await assertRejects(
      () => readAll("hf:o/other", options),
      Error,
      "503 Service Unavailable, after 2 attempts",
    );
  }));

Deno.test("openInput() finds files in the cache by the names that the hub has", async () => {
  const name = "sub dir/M (v1), é-Q8_0.gguf";
  const repos = { "o/r": { [name]: MODEL }, "o/r@v/1": { [name]: OTHER } };
  await withHub(repos, async ({ options }) => {
    for (const input of [`hf:o/r/${name}`, `hf:o/r/${name}@v/1`]) {
      const wanted = await readAll(input, options);
      assertEquals(wanted.label, input);
      const offline = { ...options, offline: true };
      assertEquals(await readAll(input, offline), wanted);
      const quant = input.replace(`/${name}`, ":Q8_0");
      assertEquals(await readAll(quant, offline), wanted);
    }
  });
});

Deno.test("openInput() downloads anew what has changed on the hub", async () => {
  const repo: Record<string, Uint8Array> = { "m.gguf": MODEL };
  await withHub({ "o/r": repo, "o/x": { "y.gguf": OTHER } }, async (fake) => {
    const { options } = fake;
    assertEquals((await readAll("hf:o/r", options)).hash, sha256(MODEL));
    repo["m.gguf"] = OTHER;
    assertEquals((await readAll("hf:o/r", options)).hash, sha256(OTHER));
  });
});

Deno.test("openInput() refuses a file that has not the hash that the hub gives", () =>
  withHub({ "o/r": REPO }, async ({ cdn, options }) => {
    cdn.behave = (_, { body }) => ({ body: body.map((byte) => byte ^ 1) });
    await assertRejects(
      () => readAll("hf:o/r", options),
      Error,
      `${sha256(MODEL)} is wanted`,
    );
    cdn.behave = () => {};
    assertEquals((await readAll("hf:o/r", options)).hash, sha256(MODEL));
  }));

Deno.test("openInput() asks the hub again when a place that it gave expires", () =>
  withHub({ "o/r": REPO }, async ({ hub, cdn, options }) => {
    const uses = new Map<string, number>();
    cdn.behave = ({ path }) => {
      const count = uses.get(path) ?? 0;
      uses.set(path, count + 1);
      return count > 2 ? { status: 403, headers: {} } : undefined;
    };
    const manners = {
      ...options.manners,
      pieceBytes: 20_000,
      connections: 2,
    };
    const { hash } = await readAll("hf:o/r", { ...options, manners });
    assertEquals(hash, sha256(MODEL));
    assert(hub.requests.length > 3);
  }));

Deno.test("openCheckpoint() reads texts and headers of the hub, and downloads when asked", () =>
  withHub({
    "o/r": {
      "config.json": '{"a": 1}',
      "sub/config.json": '{"b": 2}',
      "sub/model.safetensors": OTHER,
      "model-1.safetensors": MODEL,
      "model-2.safetensors": OTHER,
      "model.safetensors.index.json": JSON.stringify({
        weight_map: { x: "model-1.safetensors", y: "model-2.safetensors" },
      }),
    },
  }, async (fake) => {
    const { cdn } = fake;
    const told: DownloadProgress[] = [];
    const options = {
      ...fake.options,
      onProgress: (one: DownloadProgress) => void told.push(one),
    };
    const checkpoint = await openCheckpoint("hf:o/r", options);
    assertEquals(checkpoint.label, "hf:o/r");
    assertEquals(checkpoint.files.get("model-1.safetensors"), MODEL.length);
    assertEquals([...checkpoint.files.keys()].includes("sub"), false);
    assertEquals(await checkpoint.readText("config.json"), '{"a": 1}');
    assertEquals(await checkpoint.readText("none.json"), undefined);
    const { names, format } = await findWeights(checkpoint);
    assertEquals(format, "safetensors");
    assertEquals(names, ["model-1.safetensors", "model-2.safetensors"]);
    {
      await using shard = await checkpoint.open(names[0]!);
      const header = new Uint8Array(100);
      await shard.readInto(header, 0);
      assertEquals(header, MODEL.subarray(0, 100));
    }
    told.length = 0;
    await checkpoint.prepare(names);
    const all = MODEL.length + OTHER.length;
    assertEquals(told.at(-1)!.loadedBytes, all);
    assertEquals(told.at(-1)!.totalBytes, all);
    seen(fake);
    await checkpoint.prepare(names);
    {
      await using shard = await checkpoint.open(names[1]!);
      const bytes = new Uint8Array(shard.size);
      await shard.readInto(bytes, 0);
      assertEquals(bytes, OTHER);
    }
    assertEquals(seen(fake), 0, "what is there is not asked for");
    cdn.behave = () => ({ status: 500, headers: {} });
    const sub = await openCheckpoint("hf:o/r/sub", options);
    assertEquals([...sub.files.keys()], ["config.json", "model.safetensors"]);
    await assertRejects(
      () => checkpoint.open("sub/config.json"),
      Error,
      'Cannot open "hf:o/r": it has no file "sub/config.json"',
    );
    await assertRejects(
      () => openCheckpoint("hf:o/r/none", options),
      Error,
      "it has no such folder",
    );
    await assertRejects(
      () => openCheckpoint("hf:o/r:Q4_0", options),
      TypeError,
      "a folder of many is wanted",
    );
    const cached = await openCheckpoint("hf:o/r", {
      ...fake.options,
      offline: true,
    });
    assertEquals(await cached.readText("config.json"), '{"a": 1}');
    assertEquals((await findWeights(cached)).names, names);
  }));

Deno.test("openInput() opens all parts of a split model on the hub", async () => {
  const parts = [0, 1].map((no) =>
    makeModel({
      change: (tensors) => tensors.filter((_, i) => i % 2 === no),
      metadata: {
        "split.no": u32(no),
        "split.count": u32(2),
        "split.tensors.count": u32(21),
      },
    })
  );
  const repo = {
    "Q4_0/m-00001-of-00002.gguf": parts[0]!,
    "Q4_0/m-00002-of-00002.gguf": parts[1]!,
    "m-Q8_0-00001-of-00002.gguf": parts[0]!,
  };
  await withHub({ "o/r": repo }, async ({ options }) => {
    await using source = await openInput("hf:o/r:Q4_0", options);
    assertEquals(source.label, "hf:o/r/Q4_0/m-00001-of-00002.gguf");
    const { tensors } = await readGguf(source);
    await source.prepare!();
    const bytes = new Uint8Array(source.size);
    await source.readInto(bytes, 0);
    assertEquals(sha256(bytes.subarray(parts[0]!.length)), sha256(parts[1]!));
    assertEquals(tensors.size, 21);
    await assertRejects(
      () => openInput("hf:o/r:Q8_0", options),
      Error,
      'its repository has no "m-Q8_0-00002-of-00002.gguf"',
    );
  });
});

for (
  const [what, page, message] of [
    ["leads in circles", [], "its pages lead in circles"],
    ["has entries that are none", [null], "null is no entry"],
  ] as const
) {
  Deno.test(`openInput() refuses a listing that ${what}`, () =>
    withHub({}, async ({ hub, options }) => {
      const body = new TextEncoder().encode(JSON.stringify(page));
      hub.behave = ({ path }) => ({
        status: 200,
        headers: { link: `<${hub.origin}${path}>; rel="next"` },
        body,
      });
      await assertRejects(
        () => readAll("hf:o/r", options),
        Error,
        `Cannot download "hf:o/r": its listing cannot be read: ${message}`,
      );
    }));
}

Deno.test("openInput() shows the beginning of what a hub says, in one line", () =>
  withHub({}, async ({ hub, options }) => {
    hub.behave = () => ({
      status: 403,
      headers: { "x-error-message": `No\u009b31m${"o".repeat(5000)}` },
    });
    const { message } = await assertRejects(
      () => readAll("hf:o/r", options),
      Error,
      "(No",
    );
    assert(!/\p{C}/u.test(message) && message.length < 400, message);
  }));
