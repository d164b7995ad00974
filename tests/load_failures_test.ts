import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { loadModel, type LoadProgress, type ModelInput } from "../mod.ts";
import { countBuffers } from "./count_buffers.ts";
import { makeHugeFile } from "./huge_model.ts";
import { measureLoad } from "./load_memory.ts";
import { makeModel } from "./models.ts";

const MODEL = makeModel({ dim: 64, format: "Q4_0", contextLength: 128 });
const TENSORS = 21;

/** A file, of which each read is told, or fails. */
class ReadBlob extends Blob {
  reads = 0;
  readonly #onRead: (read: number) => void;

  constructor(bytes: Uint8Array, onRead: (read: number) => void) {
    super([bytes.slice()]);
    this.#onRead = onRead;
  }

  override slice(start?: number, end?: number, type?: string): Blob {
    this.#onRead(++this.reads);
    return super.slice(start, end, type);
  }
}

/** How many reads loading takes. */
async function countReads(): Promise<number> {
  const blob = new ReadBlob(MODEL, () => {});
  await using _ = await loadModel(blob);
  return blob.reads;
}

/** Asserts that a load fails as it should, and that no buffer stays. */
async function assertFreed(
  load: () => Promise<unknown>,
  reason: unknown,
): Promise<number> {
  return await countBuffers(async (count) => {
    const thrown = await load().then(() => "it was loaded", (error) => error);
    assertStrictEquals(thrown, reason);
    assertEquals(count.liveBytes, 0, `${[...count.live.keys()]}`);
    return count.peakBytes;
  });
}

Deno.test("loadModel() frees everything when it is aborted at any read", async () => {
  const reads = await countReads();
  assertGreater(reads, TENSORS);
  let most = 0;
  for (let at = 1; at <= reads; at += 3) {
    const controller = new AbortController();
    const reason = { at };
    const blob = new ReadBlob(MODEL, (read) => {
      if (read === at) controller.abort(reason);
    });
    const { signal } = controller;
    const peak = await assertFreed(() => loadModel(blob, { signal }), reason);
    most = Math.max(most, peak);
  }
  assertGreater(most, MODEL.length / 2); // some had begun
});

Deno.test("loadModel() frees everything when it is aborted at any buffer", async () => {
  // At buffers of weights, of staging, of tests, of activations, of the cache.
  const all: string[] = [];
  const { createBuffer } = GPUDevice.prototype;
  const watch = async (onBuffer: () => void, load: () => Promise<void>) => {
    GPUDevice.prototype.createBuffer = function (descriptor) {
      all.push(descriptor.label ?? "");
      onBuffer();
      return createBuffer.call(this, descriptor);
    };
    try {
      await load();
    } finally {
      GPUDevice.prototype.createBuffer = createBuffer;
    }
  };
  await watch(() => {}, async () => {
    await using _ = await loadModel(MODEL);
  });
  const total = all.length;
  assert(all.some((label) => label.startsWith("cache.")));
  for (let at = 1; at <= total; at += Math.ceil(total / 12)) {
    const controller = new AbortController();
    const reason = { at };
    all.length = 0;
    await watch(() => {
      if (all.length === at) controller.abort(reason);
    }, async () => {
      const { signal } = controller;
      await assertFreed(() => loadModel(MODEL, { signal }), reason);
    });
  }
});

Deno.test("loadModel() frees everything when it is aborted by a timer", async () => {
  for (const ms of [0, 5, 15, 30, 60]) {
    const controller = new AbortController();
    const reason = { ms };
    const timer = setTimeout(() => controller.abort(reason), ms);
    const { signal } = controller;
    await countBuffers(async (count) => {
      const load = async () => {
        while (true) {
          await using _ = await loadModel(MODEL, { signal });
        }
      };
      assertStrictEquals(await load().catch((error) => error), reason);
      assertEquals(count.liveBytes, 0);
    });
    clearTimeout(timer);
  }
});

Deno.test("loadModel() frees everything when a read fails midway", async () => {
  const reads = await countReads();
  for (const at of [2, Math.ceil(reads / 2), reads]) {
    const reason = new Error("the disk is gone");
    const blob = new ReadBlob(MODEL, (read) => {
      if (read === at) throw reason;
    });
    await assertFreed(() => loadModel(blob), reason);
  }
});

Deno.test("loadModel() says that a file was cut while it was loaded", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const worker of [false, true]) {
      await Deno.writeFile(path, MODEL);
      await countBuffers(async (count) => {
        const onProgress = () => Deno.truncateSync(path, MODEL.length / 2);
        const error = await assertRejects(
          () => loadModel(path, { onProgress, worker }),
          RangeError,
          `Cannot read "${path}": it was cut to ${MODEL.length / 2} bytes`,
        );
        assertEquals(error.message.includes("\n"), false);
        assertEquals(count.liveBytes, 0);
      });
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("loadModel() takes no model of two files, one written over the other", async () => {
  const other = makeModel({
    ...{ dim: 64, format: "Q4_0", contextLength: 128 },
    seed: 2,
  });
  assertEquals(other.length, MODEL.length);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, MODEL);
    await Deno.utime(path, 1e9, 1e9);
    await countBuffers(async (count) => {
      const onProgress = () => {
        using file = Deno.openSync(path, { write: true }); // and not cut
        file.writeSync(other);
      };
      await assertRejects(
        () => loadModel(path, { onProgress }),
        Error,
        `Cannot read "${path}": it was written to while open`,
      );
      assertEquals(count.liveBytes, 0);
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("loadModel() counts bytes and tensors that are done", async () => {
  const seen: LoadProgress[] = [];
  const input: ModelInput = MODEL;
  await using _ = await loadModel(input, {
    onProgress: (progress) => seen.push(progress),
  });
  assertEquals(seen.map((at) => at.loadedTensors).at(-1), TENSORS);
  for (const [i, { loadedBytes, loadedTensors, ...rest }] of seen.entries()) {
    const before = seen[i - 1];
    assertGreater(loadedBytes, before?.loadedBytes ?? 0);
    // Small tensors are read whole.
    assertEquals(loadedTensors, i + 1);
    assertEquals(rest.totalTensors, TENSORS);
    assertEquals(rest.totalBytes, seen.at(-1)!.loadedBytes);
  }
});

Deno.test("loadModel() takes little JavaScript memory for a large file", async () => {
  await using file = await makeHugeFile("f16", 400);
  const { javascript, before, gpu } = await measureLoad(file.path);
  assertGreater(gpu, 400e6);
  assertLess(javascript - before, 60e6);
});
