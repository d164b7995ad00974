import { assert, assertEquals, assertRejects } from "@std/assert";
import { continueIds } from "./engine.ts";
import { GREEDY, PROMPT, sessionTest } from "./sessions.ts";

sessionTest(
  "Session shifts its context as a text that begins there",
  async (model) => {
    await using session = model.session({ onFull: "shift", sinks: 3 });
    session.append(PROMPT);
    const prompt = session.ids;
    const { ids, usage, finishReason } = await session.generate({
      ...GREEDY,
      maxTokens: 100,
    }).result();
    assertEquals([ids.length, finishReason], [100, "length"]);
    assert(usage.completionTokens === 100);
    // By hand: 48 positions, of which 3 stay and 22 of the rest.
    let expected = prompt;
    const all: number[] = [];
    while (all.length < 100) {
      if (expected.length > 48) {
        expected = [...expected.slice(0, 3), ...expected.slice(-22)];
      }
      const most = Math.min(49 - expected.length, 100 - all.length);
      const next = await continueIds(model, expected, { maxTokens: most });
      all.push(...next);
      expected = [...expected, ...next];
    }
    assertEquals(ids, all);
    assertEquals(session.ids, expected);
    // A prompt that is too long for the context is shifted before it is read.
    const long = Array.from({ length: 200 }, (_, i) => 3 + i % 100);
    session.append(long);
    const tail = [...expected.slice(0, 3), ...long.slice(-22)];
    await session.generate({ ...GREEDY, maxTokens: 4 }).result();
    assertEquals(session.ids, [
      ...tail,
      ...await continueIds(model, tail, { maxTokens: 4 }),
    ]);
  },
  { contextLength: 48 },
);

sessionTest(
  "Session stops or throws where the context is full",
  async (model) => {
    await using session = model.session();
    session.append(PROMPT);
    const { finishReason } = await session.generate(GREEDY).result();
    assertEquals([finishReason, session.length], ["length", 49]);
    await assertRejects(
      () => session.generate(GREEDY).result(),
      RangeError,
      "the prompt has 49 tokens, at most 48 fit into the context",
    );
    await using strict = model.session({ onFull: "error" });
    strict.append(PROMPT);
    await assertRejects(
      () => strict.generate(GREEDY).result(),
      RangeError,
      "Cannot go on with session: it has 49 tokens, at most 48 fit",
    );
    assertEquals(strict.ids, session.ids);
    strict.rewind(20);
    await strict.generate({ ...GREEDY, maxTokens: 3 }).result();
    assertEquals(strict.ids, session.ids.slice(0, 23));
  },
  { contextLength: 48 },
);

sessionTest(
  "a shifted generation tells once what is told once",
  async (model) => {
    await using session = model.session({ onFull: "shift" });
    session.append(PROMPT);
    const prompts: number[] = [];
    const options = { ...GREEDY, maxTokens: 90, echo: true } as const;
    const generation = session.generate(options);
    let pieces = 0;
    for await (const { prompt } of generation) {
      if (prompt !== undefined) prompts.push(pieces);
      pieces++;
    }
    assertEquals([prompts, pieces], [[0], 90]);
    const { usage, timings } = await generation.result();
    assertEquals(usage.reusedTokens ?? 0, 0);
    assert(timings.prefillMs <= timings.firstTokenMs + 1);
  },
  { contextLength: 48 },
);

sessionTest("a text of a grammar is never cut by a shift", async (model) => {
  await using session = model.session({ onFull: "shift" });
  session.append(PROMPT);
  await session.generate({ ...GREEDY, maxTokens: 30 }).result();
  const { length } = session;
  assert(length >= 40, `${length}`);
  const grammar = { kind: "regex", pattern: "[a-z]{60,70}!" } as const;
  const { text, finishReason } = await session.generate({
    grammar,
    maxTokens: 400,
  }).result();
  // It does not fit: it ends where the room does, and begins but once.
  assert(/^[a-z]+$/.test(text) && text.length < 71, text);
  assertEquals(finishReason, "length");
  // What fits behind a shift has room made for it before.
  session.append(" So");
  const schema = { type: "array", items: { const: 1 }, minItems: 5 };
  const { text: json } = await session.generate({
    grammar: { kind: "json", schema },
    maxTokens: 20,
  }).result();
  assert(JSON.parse(json).length >= 5, json);
}, { contextLength: 48 });
