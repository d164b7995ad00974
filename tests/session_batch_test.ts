import { assert, assertEquals } from "@std/assert";
import { loadModel } from "../mod.ts";
import { StepBatch } from "../src/model/step_batch.ts";
import { continueIds } from "./engine.ts";
import { makeModel } from "./models.ts";
import { GREEDY, PROMPT, sessionTest } from "./sessions.ts";

sessionTest(
  "sessions beyond kvMemory go on from the CPU's memory",
  async (model) => {
    const whole = await continueIds(model, PROMPT, { maxTokens: 24 });
    await using stack = new AsyncDisposableStack();
    const before = model.gpuBytes;
    const sessions = Array.from(
      { length: 4 },
      () => stack.use(model.session().append(PROMPT)),
    );
    for (const maxTokens of [8, 16]) {
      for (const session of sessions) {
        await session.generate({ ...GREEDY, maxTokens }).result();
      }
    }
    for (const session of sessions) assertEquals(session.ids.slice(-24), whole);
    const forks = await Promise.all(sessions.map((one) => one.fork()));
    for (const fork of forks) {
      stack.use(fork);
      fork.rewind(fork.length - 5);
      await fork.generate({ ...GREEDY, maxTokens: 5 }).result();
      assertEquals(fork.ids.slice(-24), whole);
    }
    // None has a place where nobody uses it; the last one may be on its way.
    await continueIds(model, PROMPT, { maxTokens: 1 });
    assert(model.gpuBytes <= before + 4096, `${before} ${model.gpuBytes}`);
  },
  { kvMemory: 1 },
);

sessionTest(
  "generations that run together say what each says alone",
  async (model) => {
    const prompts = [
      PROMPT,
      "The cat",
      "Tom and Jane went to",
      "A dog ran",
      "x",
    ];
    const cases = [
      ...prompts.map((prompt, i) => ({ prompt, maxTokens: 20 + 7 * i })),
      ...prompts.map((prompt, i) => ({
        prompt,
        maxTokens: 25,
        ...{ temperature: 1, seed: i, topK: 30, repeatPenalty: 1 + i / 10 },
      })),
    ];
    const alone: number[][] = [];
    for (const { prompt, ...options } of cases) {
      alone.push(await continueIds(model, prompt, options));
    }
    for (const steps of [undefined, 1, 5]) {
      const together = await Promise.all(
        cases.map(({ prompt, ...options }) =>
          continueIds(model, prompt, { ...options, steps })
        ),
      );
      assertEquals(together, alone);
    }
  },
);

Deno.test("sessions that ran together have the caches of those that ran alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [format, kv] of [["F32", "f32"], ["Q4_0", "f16"]] as const) {
      const file = makeModel({ format, heads: 4, kvHeads: 2, dim: 64 });
      await using model = await loadModel(file, { kv, keptCaches: 8 });
      const prompts = [[5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15, 16]];
      const run = async (name: string, atOnce: boolean) => {
        await using stack = new AsyncDisposableStack();
        const sessions = prompts.map((ids) =>
          stack.use(model.session().append(ids))
        );
        const work = sessions.map((session) => () =>
          session.generate({ ...GREEDY, maxTokens: 30 }).result()
        );
        if (atOnce) await Promise.all(work.map((one) => one()));
        else for (const one of work) await one();
        const files: Uint8Array[] = [];
        for (const session of sessions) {
          // The caches may hold more than was asked for.
          session.rewind(session.length - 1);
          await session.save(`${folder}/${name}`);
          files.push(await Deno.readFile(`${folder}/${name}`));
        }
        return files;
      };
      const { prototype } = StepBatch;
      const { run: runBatch } = prototype;
      let batches = 0;
      prototype.run = function (...args) {
        batches++;
        return runBatch.apply(this, args);
      };
      try {
        const together = await run("together", true);
        assert(batches > 0); // or the two would be the same by not trying
        const shared = batches;
        assertEquals(together, await run("alone", false));
        assertEquals(batches, shared);
      } finally {
        prototype.run = runBatch;
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
