import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type ChatOptions, type GenerateOptions, loadModel } from "../mod.ts";
import { projectFile } from "./engine.ts";
import { scriptModel } from "./script_model.ts";

const SCRIPT = ["He", "llo wo", "rld. S", "TO", "P here, ST", "OP there."];
const STORIES = projectFile("models/stories260k-f32.gguf");

/** What a model that follows a script says. */
async function say(script: readonly string[], options: GenerateOptions = {}) {
  await using model = await loadModel(scriptModel(script));
  const generation = model.generate("x", options);
  const pieces = await Array.fromAsync(generation);
  const result = await generation.result();
  assertEquals(pieces.map(({ text }) => text).join(""), result.text);
  return { pieces, ...result };
}

Deno.test("generate() says the whole text and ends with EOS", async () => {
  const { text, finishReason, stopString, ids, usage, pieces } = await say(
    SCRIPT,
  );
  assertEquals(text, "Hello world. STOP here, STOP there.");
  assertEquals(finishReason, "stop");
  assertEquals(stopString, undefined);
  assertEquals(ids.length, 6);
  assertEquals(usage.completionTokens, 6);
  assertEquals(pieces.map(({ text }) => text), [...SCRIPT, ""]);
  assertEquals(pieces.map(({ id }) => id), [...ids, 2]);
});

Deno.test("generate() stops at a string that lies across tokens", async () => {
  const { text, finishReason, stopString, usage, pieces } = await say(SCRIPT, {
    stop: "STOP",
  });
  assertEquals(text, "Hello world. ");
  assertEquals(finishReason, "stop");
  assertEquals(stopString, "STOP");
  assertEquals(usage.completionTokens, 5);
  // The "S" waits to see what comes of it.
  assertEquals(pieces.map(({ text }) => text), [
    "He",
    "llo wo",
    "rld. ",
    "",
    "",
  ]);
});

Deno.test("generate() stops at the earliest of several strings", async () => {
  const stops: [string[], string, string][] = [
    [["there", "STOP", "Hello!"], "Hello world. ", "STOP"],
    [["world. STOP h", "wor"], "Hello ", "wor"],
    [["world. STOP h", "zzz"], "Hello ", "world. STOP h"],
    [["H"], "", "H"],
    [["."], "Hello world", "."],
    [["there."], "Hello world. STOP here, STOP ", "there."],
  ];
  for (const [stop, text, stopString] of stops) {
    const result = await say(SCRIPT, { stop });
    assertEquals(result.text, text);
    assertEquals(result.stopString, stopString);
  }
});

Deno.test("generate() says what was held back when no stop string came of it", async () => {
  const stop = ["there.STOP", "here!"];
  assertEquals((await say(SCRIPT, { stop })).text, SCRIPT.join(""));
  const cut = await say(SCRIPT, { stop: "STOP!", maxTokens: 4 });
  assertEquals(cut.text, "Hello world. STO");
  assertEquals(cut.finishReason, "length");
});

Deno.test("generate() says at most maxTokens", async () => {
  for (const maxTokens of [1, 3, 5]) {
    const { text, finishReason, usage } = await say(SCRIPT, { maxTokens });
    assertEquals(text, SCRIPT.slice(0, maxTokens).join(""));
    assertEquals(finishReason, "length");
    assertEquals(usage.completionTokens, maxTokens);
  }
  // Whether EOS would follow is not asked any more.
  assertEquals((await say(SCRIPT, { maxTokens: 6 })).finishReason, "length");
  assertEquals((await say(SCRIPT, { maxTokens: 7 })).finishReason, "stop");
});

Deno.test("generate() runs the prompt and says nothing when maxTokens is 0", async () => {
  const { text, ids, pieces, finishReason, usage, timings } = await say(
    SCRIPT,
    { maxTokens: 0 },
  );
  assertEquals([text, ids, pieces], ["", [], []]);
  assertEquals(finishReason, "length");
  assertEquals(usage, {
    promptTokens: 5,
    reusedTokens: 0,
    completionTokens: 0,
  });
  assertGreater(timings.prefillMs, 0);
  assertEquals(timings.firstTokenMs, timings.prefillMs);
  assertLess(timings.decodeMs, timings.prefillMs + 50);
});

Deno.test("generate() goes on to the end of the context", async () => {
  await using model = await loadModel(scriptModel(SCRIPT, 16));
  const generation = model.generate([1, 5, 6, 7, 8], { ignoreEos: true });
  const { finishReason, usage } = await generation.result();
  assertEquals(finishReason, "length");
  assertEquals(usage.completionTokens, 12); // the last takes no room
  const full = Array.from({ length: 16 }, () => 5);
  const none = await model.generate(full, { maxTokens: 0 }).result();
  assertEquals(none.finishReason, "length");
  const one = await model.generate(full, { ignoreEos: true }).result();
  assertEquals(one.usage.completionTokens, 1);
});

Deno.test("a generation that is left before it began has no result", async () => {
  await using model = await loadModel(scriptModel(SCRIPT, 16));
  const generation = model.generate([1, 5]);
  await generation[Symbol.asyncIterator]().return!();
  const error = await assertRejects(() => generation.result(), DOMException);
  assertEquals(error.name, "AbortError");
});

Deno.test("generate() goes on past EOS when it is to be ignored", async () => {
  const script = ["one ", "two "];
  const { text, ids } = await say(script, { ignoreEos: true, maxTokens: 8 });
  assertEquals(text, "one two one two one two ");
  assertEquals(ids.filter((id) => id === 2).length, 2);
});

Deno.test("generate() never says half a character", async () => {
  const bytes = [..."é€😀"].flatMap((char) =>
    [...new TextEncoder().encode(char)].map((byte) =>
      `<0x${byte.toString(16).toUpperCase()}>`
    )
  );
  const { pieces, text } = await say(["a", ...bytes, "b"]);
  assertEquals(text, "aé€😀b");
  const texts = pieces.map(({ text }) => text);
  assertEquals(texts, ["a", "", "é", "", "", "€", "", "", "", "😀", "b", ""]);
  // Cut within a character, the end of the text tells.
  const cut = await say(["a", ...bytes], { maxTokens: 4 });
  assertEquals(cut.text, "aé\ufffd");
});

Deno.test("generate() keeps white space at the end, chat() drops it", async () => {
  await using model = await loadModel(
    scriptModel(["Hi", " ", " there", " ", "<0x0A>", " "]),
  );
  const raw = await model.generate("x").result();
  assertEquals(raw.text, "Hi  there \n ");
  const generation = model.chat([{ role: "user", content: "x" }], {
    control: "good",
  });
  const pieces = await Array.fromAsync(generation);
  assertEquals(pieces.map(({ text }) => text), [
    "Hi",
    "",
    "  there",
    "",
    "",
    "",
    "",
  ]);
  const { text, usage } = await generation.result();
  assertEquals(text, "Hi  there");
  assertEquals(usage.completionTokens, 6);
});

/** What a chat comes to whose model follows a script. */
async function answer(script: string[], options: ChatOptions = {}) {
  await using model = await loadModel(scriptModel(script));
  return await model.chat([{ role: "user", content: "x" }], {
    control: "good",
    ...options,
  }).result();
}

Deno.test("chat() stops where the model opens the user's next turn", async () => {
  const turn = ["<0x0A>", "<|us", "er|>", "<0x0A>", "And"];
  const { text, finishReason, stopString } = await answer([
    "Hi.",
    " ",
    ...turn,
  ]);
  assertEquals([text, finishReason], ["Hi.", "stop"]);
  assertEquals(stopString, "\n<|user|>");
  assertEquals((await answer(turn.slice(1))).text, "");
  // Within a line it is text, and so it is where no turn begins.
  const quoted = ["The", " <|us", "er|>", " mark", "<0x0A>", "<|user"];
  assertEquals((await answer(quoted)).text, "The <|user|> mark\n<|user");
  // Strings of the options count as well.
  assertEquals((await answer(["a", "b", "c"], { stop: "b" })).text, "a");
});

Deno.test("generate() gives each piece the log-probability that score() gives", async () => {
  await using model = await loadModel(STORIES, { kv: "f32" });
  const prompt = model.tokenizer.encode("Once upon a time");
  for (const sampling of [{}, { temperature: 1.3, topK: 20, seed: 5 }]) {
    const generation = model.generate(prompt, {
      ...sampling,
      logprobs: true,
      maxTokens: 30,
    });
    const pieces = await Array.fromAsync(generation);
    const ids = pieces.map(({ id }) => id);
    const { positions } = await model.score([...prompt, ...ids]);
    for (const [i, { logprob }] of pieces.entries()) {
      const expected = positions[prompt.length + i]!.logprob!;
      assertAlmostEquals(logprob!, expected, 1e-4);
    }
  }
  for await (const piece of model.generate(prompt, { maxTokens: 2 })) {
    assertFalse("logprob" in piece);
  }
});

Deno.test("generate() counts and times", async () => {
  await using model = await loadModel(STORIES);
  const before = performance.now();
  const { usage, timings } = await model.generate("Once upon a time", {
    maxTokens: 20,
  }).result();
  const elapsed = performance.now() - before;
  assertEquals(usage, {
    promptTokens: 5,
    reusedTokens: 0,
    completionTokens: 20,
  });
  const { prefillMs, firstTokenMs, decodeMs, loadMs } = timings;
  assertEquals(loadMs, model.loadMs);
  assertGreater(loadMs, 0);
  assertGreater(prefillMs, 0);
  assertGreaterOrEqual(firstTokenMs, prefillMs);
  assertGreater(decodeMs, 0);
  assertLess(firstTokenMs + decodeMs, elapsed + 1);
  assertAlmostEquals(timings.prefillTokensPerSecond, 5000 / prefillMs, 1e-6);
  assertAlmostEquals(timings.decodeTokensPerSecond, 19000 / decodeMs, 1e-6);
});

Deno.test("generate() reports the seed that tells the same again", async () => {
  await using model = await loadModel(STORIES);
  const first = await model.generate("Once", { temperature: 1, maxTokens: 30 })
    .result();
  const { seed } = first;
  const again = await model.generate("Once", {
    temperature: 1,
    maxTokens: 30,
    seed,
  }).result();
  assertEquals(again.ids, first.ids);
});

Deno.test("generate() finds special tokens in a prompt only when it is told to", async () => {
  await using model = await loadModel(scriptModel(SCRIPT));
  const prompt = "a<|good|>";
  const options = { maxTokens: 1 };
  const plain = await model.generate(prompt, options).result();
  const special = await model.generate(prompt, { ...options, special: true })
    .result();
  assertEquals(special.usage.promptTokens, plain.usage.promptTokens - 7);
});

Deno.test("generate() refuses options that make no sense, before it starts", async () => {
  await using model = await loadModel(scriptModel(SCRIPT, 16));
  const wrong: [GenerateOptions, string][] = [
    [{ maxTokens: -1 }, "-1"],
    [{ maxTokens: 1.5 }, "1.5"],
    [{ stop: "" }, '""'],
    [{ stop: ["a", ""] }, '""'],
    [{ temperature: -1 }, "-1"],
    [{ topP: 2 }, "2"],
    [{ seed: -1 }, "-1"],
  ];
  const bytes = model.gpuBytes;
  for (const [options, value] of wrong) {
    const error = assertThrows(() => model.generate("x", options), RangeError);
    assert(error.message.startsWith("Cannot "), error.message);
    assert(error.message.includes(value), error.message);
    assertThrows(() => model.chat([], options), RangeError);
  }
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("generate() and chat() refuse prompts that cannot be run", async () => {
  await using model = await loadModel(scriptModel(SCRIPT, 16));
  const bytes = model.gpuBytes;
  const ids = Array.from({ length: 17 }, () => 5);
  const wrong: [string | number[], string][] = [
    ["", '""'],
    [[], "empty"],
    [ids, "17 tokens"],
    ["a long text that has no room", "at most 16"],
    [[1, 9999], "9999"],
    [[-1], "-1"],
    [[1, 2.5], "2.5"],
    [[NaN], "NaN"],
  ];
  for (const [prompt, value] of wrong) {
    const error = assertThrows(() => model.generate(prompt), RangeError);
    assert(error.message.startsWith("Cannot generate: "), error.message);
    assert(error.message.includes(value), error.message);
  }
  await assertRejects(
    () => model.chat([{ role: "user", content: "longer than it" }]).result(),
    RangeError,
    "Cannot fit the chat into the context",
  );
  await assertRejects(
    () => model.chat([{ role: "user", content: "" }]).result(),
    RangeError,
    "Cannot ",
  );
  await assertRejects(
    () =>
      model.chat([{ role: "user", content: "a" }], { control: "bad" })
        .result(),
    Error,
    'no special token "<|bad|>"',
  );
  assertEquals(model.gpuBytes, bytes);
});
