import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadModel, prompt, special } from "../mod.ts";
import { continueIds } from "./engine.ts";
import { GREEDY, PROMPT, sessionTest, STORIES } from "./sessions.ts";

sessionTest(
  "Session.generate() twice says what one generation says",
  async (model) => {
    for (
      const sampling of [
        {},
        { temperature: 1, seed: 5, topK: 40, repeatPenalty: 1.1 },
        { temperature: 1, seed: 5, sampler: "cpu" },
        { temperature: 0.8, seed: 6, speculation: "lookup" },
      ] as const
    ) {
      const options = { ...GREEDY, ...sampling };
      const whole = await continueIds(model, PROMPT, {
        ...options,
        maxTokens: 40,
      });
      await using session = model.session();
      session.append(PROMPT);
      const { length } = session;
      for (const maxTokens of [1, 7, 13, 19]) {
        await session.generate({ ...options, maxTokens }).result();
      }
      assertEquals(session.ids.slice(length), whole);
    }
  },
);

sessionTest(
  "Session.append() behind an answer makes all of it a prompt",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    await session.generate({ ...GREEDY, maxTokens: 21 }).result();
    session.append(" But then the");
    const { ids } = session;
    const { text } = await session.generate({ ...GREEDY, maxTokens: 24 })
      .result();
    const fresh = await model.generate(ids, { ...GREEDY, maxTokens: 24 })
      .result();
    assertEquals(session.ids.slice(ids.length), fresh.ids);
    assertEquals(text, fresh.text);
    assertEquals(session.text, model.tokenizer.decode([...ids, ...fresh.ids]));
  },
);

sessionTest(
  "Session.rewind() goes back into the answer and into the prompt",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    const { length } = session;
    await session.generate({ ...GREEDY, maxTokens: 30 }).result();
    const { ids } = session;
    session.rewind(length + 11);
    await session.generate({ ...GREEDY, maxTokens: 19 }).result();
    assertEquals(session.ids, ids);
    session.rewind(length);
    await session.generate({ ...GREEDY, maxTokens: 30 }).result();
    assertEquals(session.ids, ids);
    session.rewind(length - 3);
    const prompt = session.ids;
    await session.generate({ ...GREEDY, maxTokens: 9 }).result();
    assertEquals(
      session.ids.slice(prompt.length),
      await continueIds(model, prompt, { maxTokens: 9 }),
    );
    session.rewind(0);
    assertEquals(session.ids, []);
  },
);

sessionTest(
  "Session.fork() parts in two that do not know of each other",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    await session.generate({ ...GREEDY, maxTokens: 10 }).result();
    const { ids } = session;
    await using fork = await session.fork();
    fork.append(" cat");
    const answers = await Promise.all(
      [session, fork].map((one) =>
        one.generate({ ...GREEDY, maxTokens: 25 }).result()
      ),
    );
    const whole = await continueIds(model, PROMPT, { maxTokens: 35 });
    assertEquals(answers[0]!.ids, whole.slice(10));
    const forked = fork.ids.slice(0, -25);
    assertEquals(forked.slice(0, ids.length), ids);
    assertEquals(
      answers[1]!.ids,
      await continueIds(model, forked, { maxTokens: 25 }),
    );
  },
);

sessionTest(
  "Session.save() and restoreSession() go on where it was",
  async (model) => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/a session`;
      const sampling = { ...GREEDY, temperature: 1, seed: 3, topK: 20 };
      const whole = await continueIds(model, PROMPT, {
        ...sampling,
        maxTokens: 40,
      });
      await using session = model.session();
      session.append(PROMPT);
      const { length } = session;
      await session.generate({ ...sampling, maxTokens: 17 }).result();
      await session.save(path);
      await using restored = await model.restoreSession(path);
      assertEquals(restored.ids, session.ids);
      for (const one of [session, restored]) {
        await one.generate({ ...sampling, maxTokens: 23 }).result();
        assertEquals(one.ids.slice(length), whole);
      }
      // What was restored leaves the same file again, cache and all.
      await session.save(path);
      await restored.save(`${path} 2`);
      assertEquals(await Deno.readFile(`${path} 2`), await Deno.readFile(path));
      // One that was never read by the model has no cache.
      await using empty = model.session();
      await empty.append(PROMPT).save(path);
      await using unread = await model.restoreSession(path);
      await unread.generate({ ...sampling, maxTokens: 40 }).result();
      assertEquals(unread.ids.slice(length), whole);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

sessionTest(
  "a session that is left or aborted goes on from what was read",
  async (model) => {
    const whole = await continueIds(model, PROMPT, { maxTokens: 30 });
    await using session = model.session();
    session.append(PROMPT);
    const { length } = session;
    for await (const _ of session.generate(GREEDY)) {
      if (session.length === length + 5) break;
    }
    const controller = new AbortController();
    await assertRejects(
      async () => {
        for await (
          const _ of session.generate({ ...GREEDY, signal: controller.signal })
        ) {
          if (session.length === length + 11) {
            controller.abort(
              new Error("enough"),
            );
          }
        }
      },
      Error,
      "enough",
    );
    const { length: read } = session;
    assert(read >= length + 11 && read < length + 25, `${read}`);
    await session.generate({ ...GREEDY, maxTokens: length + 30 - read })
      .result();
    assertEquals(session.ids.slice(length), whole);
  },
);

sessionTest("Session refuses what makes no sense", async (model) => {
  assertThrows(
    () => model.session({ onFull: "wrap" as "stop" }),
    TypeError,
    'onFull is "wrap", one of stop, error, shift is wanted',
  );
  assertThrows(
    () => model.session({ onFull: "shift", sinks: 511 }),
    RangeError,
    "sinks is 511, an integer from 0 to 510 is wanted",
  );
  const session = model.session();
  await assertRejects(
    () => session.generate().result(),
    RangeError,
    "the prompt is empty",
  );
  assertThrows(() => session.append([99999]), RangeError, "99999");
  assertThrows(() => session.rewind(1), RangeError, "from 0 to 0 is wanted");
  session.append(PROMPT);
  const generation = session.generate({ ...GREEDY, maxTokens: 50 });
  for await (const _ of generation) {
    assertThrows(() => session.append("x"), TypeError, "in use already");
    assertThrows(() => session.rewind(1), TypeError, "in use already");
    await assertRejects(() => session.fork(), TypeError, "in use already");
    await assertRejects(
      () => session.generate(GREEDY).result(),
      TypeError,
      "in use already",
    );
    break;
  }
  await session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
  assertThrows(() => session.append("x"), TypeError, "disposed");
  assertThrows(() => session.generate(), TypeError, "disposed");
  await assertRejects(() => session.save("x"), TypeError, "disposed");
}, { contextLength: 512 });

sessionTest(
  "Session.fork() that is aborted leaves nothing behind",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    await session.generate({ ...GREEDY, maxTokens: 3 }).result();
    const before = model.gpuBytes;
    const reason = new Error("no fork");
    await assertRejects(
      () => session.fork({ signal: AbortSignal.abort(reason) }),
      Error,
      "no fork",
    );
    const controller = new AbortController();
    const forking = session.fork({ signal: controller.signal });
    controller.abort(reason);
    await assertRejects(() => forking, Error, "no fork");
    await session.generate({ ...GREEDY, maxTokens: 3 }).result();
    assertEquals(model.gpuBytes, before);
  },
);

sessionTest("Session goes quietly where its model is gone", async (model) => {
  const session = model.session();
  session.append(PROMPT);
  await session.generate({ ...GREEDY, maxTokens: 3 }).result();
  await model[Symbol.asyncDispose]();
  await assertRejects(
    () => session.generate(GREEDY).result(),
    TypeError,
    "disposed",
  );
  await session[Symbol.asyncDispose]();
});

sessionTest(
  "Session.append() takes prompts of parts, and text as text",
  async (model) => {
    await using session = model.session();
    session.append(prompt`${special("<s>")}Once`);
    session.append(prompt` upon ${"</s>"} a time${special("</s>")}`);
    const { tokenizer } = model;
    assertEquals(session.ids[0], tokenizer.bosId);
    assertEquals(session.ids.at(-1), tokenizer.eosId);
    assertEquals(session.ids.filter((id) => tokenizer.isSpecial(id)).length, 2);
    assertEquals(session.text, "Once upon </s> a time");
    // Text behind text needs no space, text behind a special token begins anew.
    const { length } = session;
    session.append("Then");
    assertEquals(
      session.ids.slice(length),
      tokenizer.encode("Then", { bos: false }),
    );
    assertThrows(
      () => session.append(prompt`${special("<nope>")}`),
      RangeError,
    );
  },
);

sessionTest(
  "Session goes on by mirostat where it was, also from a file and a fork",
  async (model) => {
    const folder = await Deno.makeTempDir();
    try {
      for (const mirostat of [1, 2] as const) {
        const sampling = {
          temperature: 1,
          seed: 4,
          mirostat,
          mirostatTau: 1.5,
        };
        const options = { ...GREEDY, ...sampling };
        const whole = await continueIds(model, PROMPT, {
          ...options,
          maxTokens: 40,
        });
        await using session = model.session();
        session.append(PROMPT);
        const { length } = session;
        await session.generate({ ...options, maxTokens: 20 }).result();
        await session.save(`${folder}/session`);
        await using restored = await model.restoreSession(`${folder}/session`);
        await using fork = await session.fork();
        for (const one of [session, restored, fork]) {
          await one.generate({ ...options, maxTokens: 20 }).result();
          assertEquals(one.ids.slice(length), whole);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

sessionTest(
  "a session that changes behind a generation's back is told",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    const result = session.generate({ ...GREEDY, maxTokens: 5 }).result();
    session.append(" dog");
    await assertRejects(() => result, TypeError, "it was changed after");
    await session.generate({ ...GREEDY, maxTokens: 5 }).result();
    const seeded = { ...GREEDY, temperature: 1, seed: 8 };
    await session.generate({ ...seeded, maxTokens: 5 }).result();
    session.rewind(session.length); // changes nothing
  },
);

sessionTest(
  "a session that is disposed of ends its own generation",
  async (model) => {
    const session = model.session();
    session.append(PROMPT);
    const before = model.gpuBytes;
    const reading = session.generate(GREEDY)[Symbol.asyncIterator]();
    await reading.next();
    await session[Symbol.asyncDispose]();
    await model.generate("x", { maxTokens: 1 }).result();
    assert(model.gpuBytes <= before, `${before} ${model.gpuBytes}`);
  },
);

Deno.test("a session whose chosen tokens run again hears its signal", async () => {
  await using model = await loadModel(STORIES);
  await using session = model.session();
  session.append(PROMPT);
  await session.generate({ ...GREEDY, maxTokens: 200 }).result();
  const controller = new AbortController();
  const seen: number[] = [];
  const again = session.generate({
    ...GREEDY,
    maxTokens: 2,
    reuse: false,
    signal: controller.signal,
    onPrompt: ({ processed }) => {
      seen.push(processed);
      if (processed > 50) controller.abort(new Error("enough"));
    },
  });
  await assertRejects(() => again.result(), Error, "enough");
  assert(seen.at(-1)! < 80, seen.join());
});
