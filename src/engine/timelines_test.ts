import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeModel } from "../../tests/models.ts";
import { GpuMemoryError } from "../gpu/buffers.ts";
import { Sequence } from "../model/sequence.ts";
import { loadEngine } from "./load.ts";
import { Sequences } from "./sequences.ts";
import { Timelines } from "./timelines.ts";

const LAYERS = 5;
const MODEL = makeModel({ layers: LAYERS });
const IDS = Array.from({ length: 20 }, (_, i) => 5 + i);

interface Parts {
  timelines: Timelines;
  sequences: Sequences;
  /** Bytes of an empty sequence. */
  size: number;
}

/** Runs a test with room for so many caches, of which one is idle. */
function timelinesTest(
  name: string,
  test: (parts: Parts) => Promise<void>,
  { caches = Infinity, most = 1 } = {},
): void {
  Deno.test(name, async () => {
    const { engine } = await loadEngine(MODEL, {});
    await using _ = engine;
    const { gpu, llama } = engine.parts;
    const first = await Sequence.create(gpu, llama);
    const size = first.bytes;
    using sequences = new Sequences(
      // What the system has free counts, whatever the adapter is.
      { gpu: { ...gpu, info: SOFTWARE }, llama },
      first,
      { most, budget: caches * size },
    );
    await test({ timelines: new Timelines(sequences), sequences, size });
    assertEquals(gpu.health.problem, undefined);
  });
}

const SOFTWARE = { isFallbackAdapter: true } as GPUAdapterInfo;

/** Uses a timeline: what is in it stays, or else it gets `IDS`. */
async function use(timelines: Timelines, id: number): Promise<Sequence> {
  using lent = await timelines.acquire(id);
  const { sequence } = lent;
  if (sequence.length === 0) await sequence.append(IDS);
  return sequence;
}

/** Waits for what is moved or freed behind uses. */
async function assertBytes(sequences: Sequences, bytes: number): Promise<void> {
  for (let i = 0; i < 100 && sequences.bytes !== bytes; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(sequences.bytes, bytes);
}

/** Puts something in place of a method, while it lives. */
function replace<T, K extends keyof T>(
  object: T,
  { name, by }: { name: K; by: (method: T[K]) => T[K] },
): Disposable {
  const method = object[name];
  object[name] = by(method);
  return { [Symbol.dispose]: () => void (object[name] = method) };
}

timelinesTest(
  "Timelines move the one to the CPU that was not used for longest",
  async ({ timelines, sequences, size }) => {
    const [a, b, c] = [1, 2, 3].map(() => timelines.open());
    const first = await use(timelines, a!);
    const second = await use(timelines, b!);
    assert(await use(timelines, a!) === first); // b is the older one now
    const moved: Sequence[] = [];
    using _ = replace(Sequence.prototype, {
      name: "snapshot",
      by: (snapshot) =>
        function (this: Sequence) {
          moved.push(this);
          return snapshot.call(this);
        },
    });
    const third = await use(timelines, c!);
    assert(moved[0] === second);
    assertEquals(sequences.bytes, 2 * size);
    assert(await use(timelines, a!) === first);
    assert(await use(timelines, b!) !== second);
    assert(moved[1] === third);
    assertEquals(moved.length, 2);
  },
  { caches: 2 },
);

timelinesTest(
  "Timelines bring back all that was moved to the CPU",
  async ({ timelines, sequences, size }) => {
    const [a, b] = [timelines.open(), timelines.open()];
    const sequence = await use(timelines, a);
    const before = await timelines.snapshot(a);
    assertEquals(before.ids, IDS);
    await use(timelines, b);
    assert(sequence.isDisposed);
    assertEquals(await timelines.snapshot(a), before);
    using lent = await timelines.acquire(a);
    assertEquals(lent.sequence.length, IDS.length);
    assertEquals(await lent.sequence.snapshot(), before);
    await assertBytes(sequences, size);
  },
  { caches: 1 },
);

timelinesTest("Timelines.fork() copies the rows", async ({ timelines }) => {
  const id = timelines.open();
  await use(timelines, id);
  const fork = await timelines.fork(id);
  const copy = await timelines.snapshot(fork);
  assertEquals(copy.ids, IDS);
  assert(copy.layers.every((layer) => layer.some((byte) => byte !== 0)));
  assertEquals(copy, await timelines.snapshot(id));
});

timelinesTest(
  "Timelines.fork() leaves nothing when there is no room for the copy",
  async ({ timelines, sequences }) => {
    const id = timelines.open();
    await use(timelines, id);
    const { bytes } = sequences;
    {
      const full = new GpuMemoryError("a cache", 1, { allocated: 0 });
      using _ = replace(sequences, {
        name: "hold",
        by: () => () => Promise.reject(full),
      });
      await assertRejects(() => timelines.fork(id), GpuMemoryError);
    }
    assertEquals(sequences.bytes, bytes);
    // Numbers are given in order.
    await assertRejects(() => timelines.acquire(id + 1), TypeError);
    assertEquals(await timelines.fork(id), id + 2);
  },
);

timelinesTest(
  "Timelines.close() ends a timeline, or does so when its user is done",
  async ({ timelines, sequences }) => {
    const { bytes } = sequences;
    const message = "Cannot use session: it is disposed of";
    const id = timelines.open();
    await use(timelines, id);
    timelines.close(id);
    assertEquals(sequences.bytes, bytes);
    await assertRejects(() => timelines.acquire(id), TypeError, message);
    const busy = timelines.open();
    {
      using lent = await timelines.acquire(busy);
      timelines.close(busy);
      await lent.sequence.append(IDS);
      await assertRejects(() => timelines.snapshot(busy), TypeError, message);
    }
    assertEquals(sequences.bytes, bytes);
    await assertRejects(() => timelines.acquire(busy), TypeError, message);
  },
);

timelinesTest(
  "Timelines keep to the budget behind uses at the same time",
  async ({ timelines, sequences, size }) => {
    const ids = Array.from({ length: 4 }, () => timelines.open());
    await Promise.all(ids.map((id) => use(timelines, id)));
    await assertBytes(sequences, 2 * size);
    for (const id of ids) {
      assertEquals((await timelines.snapshot(id)).ids, IDS);
    }
  },
  { caches: 2 },
);

timelinesTest(
  "Sequences keep to the budget behind uses at the same time",
  async ({ sequences, size }) => {
    const lent = await Promise.all([1, 2, 3, 4].map((id) => {
      return sequences.acquire([id, id, id]);
    }));
    assertEquals(sequences.bytes, 4 * size); // those in use stay
    for (const one of lent) sequences.release(one);
    await assertBytes(sequences, 3 * size);
  },
  { caches: 3, most: 8 },
);

timelinesTest(
  "Sequences make room for all that are created at the same time",
  async ({ sequences, size }) => {
    await Promise.all([sequences.hold(), sequences.hold()]);
    assertEquals(sequences.bytes, 2 * size);
  },
  { caches: 2 },
);

timelinesTest(
  "Sequences free idle ones before the system's memory is too little",
  async ({ sequences, size }) => {
    const answers = [0]; // and all of it from then on
    using _ = replace(Deno, {
      name: "systemMemoryInfo",
      by: (info) => () => ({ ...info(), available: answers.pop() ?? 2 ** 40 }),
    });
    await sequences.hold();
    assertEquals([answers.length, sequences.bytes], [0, size]);
    answers.push(0);
    await assertRejects(() => sequences.hold(), GpuMemoryError, "0 bytes are");
  },
);

timelinesTest(
  "Timelines that cannot be moved harm nobody else",
  async ({ timelines, sequences, size }) => {
    const [a, b] = [timelines.open(), timelines.open()];
    await use(timelines, a);
    {
      using _ = replace(GPUDevice.prototype, {
        name: "createBuffer",
        by: (create) =>
          function (this: GPUDevice, descriptor) {
            // Larger than what a new sequence reads its ids with.
            if (descriptor.mappedAtCreation && descriptor.size > 256) {
              throw new RangeError("no memory");
            }
            return create.call(this, descriptor);
          },
      });
      await assertRejects(
        () => timelines.snapshot(a),
        GpuMemoryError,
        "Cannot allocate a copy of a KV cache",
      );
      await use(timelines, b);
    }
    assertEquals(sequences.bytes, size);
    assertEquals((await timelines.snapshot(b)).ids, IDS);
    assertEquals((await timelines.snapshot(a)).ids, []);
    assertEquals((await use(timelines, a)).length, IDS.length);
  },
  { caches: 1 },
);

timelinesTest(
  "Sequence.snapshot() leaves no error behind when its buffer is refused",
  async ({ timelines }) => {
    const id = timelines.open();
    await use(timelines, id);
    using _ = replace(GPUDevice.prototype, {
      name: "createBuffer",
      by: (create) =>
        function (this: GPUDevice, descriptor) {
          const usage = 0; // refused by every device
          return create.call(this, { ...descriptor, usage });
        },
    });
    await assertRejects(() => timelines.snapshot(id), Error, "Cannot copy a");
  },
);

timelinesTest(
  "Sequence.snapshot() lets timers run between layers",
  async ({ timelines }) => {
    const id = timelines.open();
    const sequence = await use(timelines, id);
    let turns = 0;
    const count = () => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await sequence.snapshot();
    clearImmediate(immediate);
    assert(turns >= LAYERS - 1, `${turns}`);
  },
);
