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
const MANNERS = { idleMs: 1000, retryMs: 1, attempts: 2 };

async function readAll(input: string, options: SourceOptions) {
  await using source = await openInput(input, { manners: MANNERS, ...options });
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
    const { cacheDir } = fake;
    const wanted = { label: "hf:o/r/m-Q4_K_M.gguf", hash: sha256(MODEL) };
    assertEquals(await readAll("hf:o/r", { cacheDir }), wanted);
    seen(fake);
    assertEquals(await readAll("hf:o/r:Q4_K_M", { cacheDir }), wanted);
    assertEquals(seen(fake), 1, "the listing alone, which has its hash");
    assertEquals(
      await readAll(`${fake.hub.origin}/o/r/blob/main/m-Q8_0.gguf`, {
        cacheDir,
      }),
      { label: "hf:o/r/m-Q8_0.gguf", hash: sha256(OTHER) },
    );
    assertEquals(
      await readAll("hf:o/r@old", { cacheDir }),
      { label: "hf:o/r/x.gguf@old", hash: sha256(OTHER) },
    );
  }));

Deno.test("openInput() lists all pages of a repository", () =>
  withHub({ "o/r": REPO }, async ({ cacheDir }) => {
    const { label } = await readAll("hf:o/r:Q8_0", { cacheDir });
    assertEquals(label, "hf:o/r/m-Q8_0.gguf");
  }, { pageSize: 1 }));

Deno.test("openInput() tells the token to the hub and to nobody else", async () => {
  await withHub({ "o/r": REPO }, async ({ hub, cdn, cacheDir }) => {
    await assertRejects(
      () => readAll("hf:o/r", { cacheDir }),
      Error,
      "answers 401 Unauthorized (Repository not found): " +
        "there is no such repository, or it is private and HF_TOKEN is not set",
    );
    Deno.env.set("HF_TOKEN", "secret");
    try {
      assertEquals((await readAll("hf:o/r", { cacheDir })).hash, sha256(MODEL));
      const told = [...hub.requests, ...cdn.requests]
        .filter(({ headers }) => headers.has("authorization"));
      assert(told.length > 0);
      assert(cdn.requests.length > 0);
      assert(cdn.requests.every((one) => !one.headers.has("authorization")));
    } finally {
      Deno.env.delete("HF_TOKEN");
    }
  }, { token: "secret" });
});

Deno.test("openInput() takes what the cache has when it is offline or the hub is down", () =>
  withHub({ "o/r": REPO }, async (fake) => {
    const { hub, cacheDir } = fake;
    await assertRejects(
      () => readAll("hf:o/r", { cacheDir, offline: true }),
      Error,
      "nothing of it is in the cache, and offline mode",
    );
    await readAll("hf:o/r:Q8_0", { cacheDir });
    seen(fake);
    const wanted = { label: "hf:o/r/m-Q8_0.gguf", hash: sha256(OTHER) };
    for (const name of ["SERAPH_OFFLINE", "HF_HUB_OFFLINE"]) {
      Deno.env.set(name, "1");
      try {
        assertEquals(await readAll("hf:o/r", { cacheDir }), wanted);
        await assertRejects(
          () => readAll("hf:o/r:Q4_K_M", { cacheDir }),
          Error,
          "it has no file of Q4_K_M, only m-Q8_0.gguf",
        );
      } finally {
        Deno.env.delete(name);
      }
    }
    assertEquals(seen(fake), 0);
    hub.behave = () => ({ status: 503, headers: {} });
    assertEquals(await readAll("hf:o/r/m-Q8_0.gguf", { cacheDir }), wanted);
    await assertRejects(
      () => readAll("hf:o/other", { cacheDir }),
      Error,
      "503 Service Unavailable, after 2 attempts",
    );
  }));

Deno.test("openInput() downloads anew what has changed on the hub", async () => {
  const repo: Record<string, Uint8Array> = { "m.gguf": MODEL };
  await withHub({ "o/r": repo, "o/x": { "y.gguf": OTHER } }, async (fake) => {
    const { cacheDir } = fake;
    assertEquals((await readAll("hf:o/r", { cacheDir })).hash, sha256(MODEL));
    repo["m.gguf"] = OTHER;
    assertEquals((await readAll("hf:o/r", { cacheDir })).hash, sha256(OTHER));
  });
});

Deno.test("openInput() refuses a file that has not the hash that the hub gives", () =>
  withHub({ "o/r": REPO }, async ({ cdn, cacheDir }) => {
    cdn.behave = (_, { body }) => ({ body: body.map((byte) => byte ^ 1) });
    await assertRejects(
      () => readAll("hf:o/r", { cacheDir }),
      Error,
      `${sha256(MODEL)} is wanted`,
    );
    cdn.behave = () => {};
    assertEquals((await readAll("hf:o/r", { cacheDir })).hash, sha256(MODEL));
  }));

Deno.test("openInput() asks the hub again when a place that it gave expires", () =>
  withHub({ "o/r": REPO }, async ({ hub, cdn, cacheDir }) => {
    const uses = new Map<string, number>();
    cdn.behave = ({ path }) => {
      const count = uses.get(path) ?? 0;
      uses.set(path, count + 1);
      return count > 2 ? { status: 403, headers: {} } : undefined;
    };
    const manners = { ...MANNERS, pieceBytes: 20_000, connections: 2 };
    const { hash } = await readAll("hf:o/r", { cacheDir, manners });
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
    const { cdn, cacheDir } = fake;
    const told: DownloadProgress[] = [];
    const options = {
      cacheDir,
      manners: MANNERS,
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
    const cached = await openCheckpoint("hf:o/r", { cacheDir, offline: true });
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
  await withHub({ "o/r": repo }, async ({ cacheDir }) => {
    const options = { cacheDir, manners: MANNERS };
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
