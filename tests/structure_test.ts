import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as v from "valibot";
import { z } from "zod";
import {
  type ChatMessage,
  type GenerateOptions,
  type Grammar,
  loadModel,
  type ObjectGeneration,
  type ToolChoice,
} from "../mod.ts";
import { projectFile } from "./engine.ts";
import { makeModel } from "./models.ts";
import { scriptModel } from "./script_model.ts";
import { runRandom } from "./structure_random.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const PROMPT = "Once upon a time";
const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 12 },
    age: { type: "integer", minimum: 0, maximum: 120 },
  },
  required: ["name", "age"],
  additionalProperties: false,
};
const GRAMMARS: readonly Grammar[] = [
  { kind: "json", schema: PERSON },
  { kind: "json" },
  { kind: "regex", pattern: "[A-Z][a-z]{2,8} is (good|bad)\\." },
  { kind: "ebnf", grammar: 'root ::= "yes" | "no, " [0-9]+ " times"' },
];

Deno.test("texts of random schemas are valid", async () => {
  await using model = await loadModel(STORIES);
  const { valid, wrong } = await runRandom(model, { count: 24, seed: 11 });
  assertEquals(wrong, []);
  assertEquals(valid, 24);
});

Deno.test("a grammar gives the same text on GPU and CPU, and in a worker", async () => {
  await using here = await loadModel(STORIES);
  await using there = await loadModel(STORIES, { worker: true });
  const all: GenerateOptions[] = [
    {},
    { temperature: 1.5, seed: 3 },
    { temperature: 2, topK: 50, topP: 0.9, repeatPenalty: 1.5, seed: 4 },
  ];
  for (const grammar of GRAMMARS) {
    for (const options of all) {
      const given = { grammar, maxTokens: 30, ...options };
      const expected = await here.generate(PROMPT, given).result();
      for (
        const other of [
          here.generate(PROMPT, { ...given, sampler: "cpu" }),
          here.generate(PROMPT, { ...given, logprobs: true }),
          there.generate(PROMPT, given),
        ]
      ) {
        const { ids, text, finishReason } = await other.result();
        assertEquals(
          { ids, text, finishReason },
          {
            ids: expected.ids,
            text: expected.text,
            finishReason: expected.finishReason,
          },
        );
      }
    }
  }
});

Deno.test("tokens without a rival run together, and change nothing", async () => {
  // As if each digit had been chosen by a step of its own.
  const digits = "9876543210".repeat(3);
  const grammar: Grammar = {
    kind: "json",
    schema: {
      type: "array",
      prefixItems: [{ const: digits }, { type: "string", maxLength: 9 }, {
        const: digits,
      }],
      minItems: 3,
      maxItems: 5,
      items: { enum: [digits, `${digits}!`] },
    },
  };
  await using expected = await loadModel(STORIES);
  await using model = await loadModel(STORIES);
  for (
    const options of [
      { temperature: 2, seed: 5 },
      { temperature: 2, seed: 6 },
      {},
      { temperature: 2, seed: 7, repeatPenalty: 1.2 },
    ]
  ) {
    const given = { grammar, maxTokens: 160, ...options };
    const { ids, finishReason } = await model.generate(PROMPT, given).result();
    const one = expected.generate(PROMPT, { ...given, sampler: "cpu" });
    assertEquals(ids, (await one.result()).ids);
    assertEquals(finishReason, "stop");
    // Its bytes are tokens as well, which models do not know them by.
    const types = new Set(ids.map((id) => model.tokenizer.typeOf(id)));
    assertEquals(types, new Set(["normal"]));
    // What runs behind it finds the same cache.
    const text = { maxTokens: 8, ignoreEos: true };
    const after = [1, ...ids.slice(0, 100)];
    assertEquals(
      (await model.generate(after, text).result()).ids,
      (await expected.generate(after, text).result()).ids,
    );
  }
});

Deno.test("several steps by one mask change nothing", async () => {
  await using expected = await loadModel(STORIES);
  await using model = await loadModel(STORIES);
  const text = (minLength: number, maxLength: number): Grammar => ({
    kind: "json",
    schema: {
      type: "object",
      properties: {
        a: { type: "string", minLength, maxLength },
        b: { type: "string", maxLength },
      },
      required: ["a", "b"],
      additionalProperties: false,
    },
  });
  const given: [Grammar, GenerateOptions][] = [
    [text(150, 170), { temperature: 1, seed: 1 }],
    [text(150, 170), { temperature: 2, seed: 2, topK: 40 }],
    [text(60, 600), { logitBias: { 261: -2 } }],
    [{ kind: "regex", pattern: "[a-z ,.]*END" }, { temperature: 1, seed: 3 }],
    [{ kind: "json" }, { temperature: 1.5, seed: 4 }],
    // To the last position of the context.
    [text(200, 2000), { maxTokens: 512 }],
  ];
  for (const [grammar, more] of given) {
    const options = { grammar, maxTokens: 180, ...more };
    const generation = model.generate(PROMPT, options);
    const { ids, finishReason } = await generation.result();
    const one = expected.generate(PROMPT, { ...options, sampler: "cpu" });
    const { ids: wanted, finishReason: reason } = await one.result();
    assertEquals([ids, finishReason], [wanted, reason]);
    // What was computed too much is no part of what comes next.
    const next = { maxTokens: 8, ignoreEos: true };
    const after = [1, ...ids.slice(0, 100)];
    assertEquals(
      (await model.generate(after, next).result()).ids,
      (await expected.generate(after, next).result()).ids,
    );
  }
});

Deno.test("generate() takes no more tokens than the shortest text needs", async () => {
  await using model = await loadModel(STORIES);
  const grammar = { kind: "json", schema: PERSON } as const;
  const error = await assertRejects(
    () => model.generate(PROMPT, { grammar, maxTokens: 3 }).result(),
    RangeError,
    "the shortest text of the grammar takes",
  );
  const least = Number(/takes (\d+)/.exec(error.message)![1]);
  for (const maxTokens of [least, least + 1, least + 7]) {
    for (const seed of [1, 2, 3]) {
      const options = { grammar, maxTokens, seed, temperature: 3 };
      const { text } = await model.generate(PROMPT, options).result();
      const { name, age } = JSON.parse(text);
      assert(typeof name === "string" && Number.isInteger(age), text);
    }
  }
});

Deno.test("generations with and without grammars do not disturb each other", async () => {
  await using model = await loadModel(STORIES, { keptCaches: 4 });
  const options: GenerateOptions[] = [
    ...GRAMMARS.map((grammar) => ({ grammar, temperature: 1, seed: 5 })),
    { temperature: 1, seed: 6 },
    {},
  ];
  const run = async (options: GenerateOptions) =>
    (await model.generate(PROMPT, { maxTokens: 25, ...options }).result()).text;
  const alone: string[] = [];
  for (const one of options) alone.push(await run(one));
  assertEquals(await Promise.all(options.map(run)), alone);
});

Deno.test("a text that only its end may follow ends by itself", async () => {
  // Its script goes on, and its vocabulary has a token for the end.
  await using model = await loadModel(scriptModel(["a", "b", "a", "b"]));
  const grammar = { kind: "regex", pattern: "(ab)" } as const;
  const result = await model.generate([1], { grammar }).result();
  assertEquals([result.text, result.finishReason], ["ab", "stop"]);
  const longer = { kind: "regex", pattern: "(ab)*" } as const;
  const { finishReason, text } = await model
    .generate([1], { grammar: longer, maxTokens: 3 }).result();
  assertEquals([text, finishReason], ["aba", "length"]);
});

Deno.test("generate() refuses grammars before anything runs", async () => {
  await using model = await loadModel(STORIES);
  const now: [GenerateOptions, string][] = [
    [{ grammar: { kind: "json", schema: { not: 3 } as never } }, '"not"'],
    [{ grammar: { kind: "xml" } as never }, 'kind is "xml"'],
    [{ grammar: { kind: "regex" } as never }, "pattern is of type undefined"],
    [{ grammar: GRAMMARS[1]!, speculation: "lookup" }, "speculation"],
    [{ grammar: GRAMMARS[1]!, ignoreEos: true }, "ignoreEos"],
  ];
  for (const [options, message] of now) {
    assertThrows(() => model.generate(PROMPT, options), TypeError, message);
  }
  const later: [Grammar, string][] = [
    [{ kind: "regex", pattern: "(" }, "The parenthesis is not closed"],
    [{ kind: "regex", pattern: "a(?=b)" }, "Lookahead"],
    [{ kind: "ebnf", grammar: "root ::= x" }, 'Rule "x" is not defined'],
    [{ kind: "ebnf", grammar: 'a ::= "b"', root: "b" }, '"b" is not found'],
  ];
  for (const [grammar, message] of later) {
    await assertRejects(
      () => model.generate(PROMPT, { grammar }).result(),
      SyntaxError,
      message,
    );
  }
  // What has failed leaves nothing behind.
  const options = { grammar: GRAMMARS[2]!, maxTokens: 40 };
  const { text } = await model.generate(PROMPT, options).result();
  assert(/^[A-Z][a-z]{2,8} is (good|bad)\.$/.test(text), text);
});

Deno.test("a generation with a grammar can be left and aborted", async () => {
  await using model = await loadModel(STORIES);
  for (const grammar of GRAMMARS) {
    for await (const _ of model.generate(PROMPT, { grammar })) break;
    const controller = new AbortController();
    const aborted = async () => {
      const { signal } = controller;
      for await (const _ of model.generate(PROMPT, { grammar, signal })) {
        controller.abort();
      }
    };
    await assertRejects(aborted, DOMException);
  }
  const free = await model.generate(PROMPT, { maxTokens: 5 }).result();
  assertEquals(free.ids.length, 5);
});

Deno.test("generateObject() gives what a schema of a library describes", async () => {
  await using model = await loadModel(STORIES);
  const schema = z.object({
    name: z.string().min(1).max(10).toUpperCase(),
    email: z.email(),
    born: z.iso.date(),
    tags: z.array(z.enum(["a", "b"])).max(3),
    size: z.number().positive().max(2),
    kind: z.discriminatedUnion("is", [
      z.object({ is: z.literal("x"), n: z.int() }),
      z.object({ is: z.literal("y") }),
    ]),
  });
  const options = { temperature: 1, seed: 9, maxTokens: 300 };
  const generation = model.generateObject(PROMPT, { schema, ...options });
  const object: z.infer<typeof schema> = await generation.object;
  assertEquals(object.name, object.name.toUpperCase());
  const { text, finishReason } = await generation.result();
  assertEquals(finishReason, "stop");
  assertEquals(schema.parse(JSON.parse(text)), object);

  const other = v.object({ age: v.pipe(v.number(), v.minValue(3)) });
  assertThrows(
    () => model.generateObject(PROMPT, { schema: other }),
    TypeError,
    "the option jsonSchema is wanted",
  );
  const jsonSchema = {
    type: "object",
    properties: { age: { type: "number", minimum: 3, maximum: 9 } },
    required: ["age"],
  };
  const { age } = await model.generateObject(PROMPT, {
    schema: other,
    jsonSchema,
    ...options,
  }).object;
  assert(age >= 3 && age <= 9);
});

Deno.test("generateObject() takes JSON Schemas, messages, and reads as a stream", async () => {
  await using model = await loadModel(STORIES);
  const messages = [{ role: "user", content: "Who?" }] as const;
  const generation = model.generateObject(messages, {
    schema: PERSON,
    maxTokens: 60,
  });
  let text = "";
  for await (const piece of generation) text += piece.text;
  const { object } = await generation.result();
  assertEquals(JSON.parse(text), object);

  const refine = z.object({ n: z.int() }).refine(() => false, "never good");
  await assertRejects(
    () => model.generateObject(PROMPT, { schema: refine }).object,
    TypeError,
    "Cannot take the generated object: it: never good",
  );
  const cut = { schema: { type: "string", const: "abcdef" }, stop: "cd" };
  await assertRejects(
    () => model.generateObject(PROMPT, cut).object,
    SyntaxError,
    "Cannot parse the generated object",
  );
  assertThrows(
    () => model.generateObject(PROMPT, { schema: 5 as never }),
    TypeError,
    "the schema is number",
  );
});

Deno.test("a model that is disposed of lets go of its grammars", async () => {
  const model = await loadModel(makeModel({ contextLength: 64 }));
  const options = { grammar: GRAMMARS[2]!, maxTokens: 20 };
  const generation = model.generate([1, 60], options)[Symbol.asyncIterator]();
  await generation.next();
  await model[Symbol.asyncDispose]();
  await assertRejects(
    async () => {
      while (!(await generation.next()).done);
    },
    TypeError,
    "it is disposed of",
  );
});

Deno.test("chat() answers by a call where one is required", async () => {
  await using model = await loadModel(STORIES);
  const tools = [{
    type: "function",
    function: {
      name: "add",
      parameters: {
        type: "object",
        properties: { a: { type: "integer" }, b: { type: "integer" } },
        required: ["a", "b"],
        additionalProperties: false,
      },
    },
  }, { type: "function", function: { name: "now" } }] as const;
  const messages: ChatMessage[] = [{ role: "user", content: "1 + 2?" }];
  const options = { tools, temperature: 1, seed: 2, maxTokens: 80 };
  const answer = async (toolChoice: ToolChoice) =>
    await model.chat(messages, { ...options, toolChoice }).result();
  const { toolCalls: [call] = [], text } = await answer({ name: "add" });
  assertEquals(call?.name, "add");
  assertEquals(Object.keys(call!.arguments), ["a", "b"]);
  const { toolCalls: [any] = [] } = await answer("required");
  assert(any?.name === "add" || any?.name === "now");
  // What stories come to is no call.
  assertEquals((await answer("auto")).toolCalls, undefined);
  assertEquals((await answer("none")).toolCalls, undefined);

  // The call and its result go on in the chat.
  messages.push(
    { role: "assistant", content: "", toolCalls: [call!] },
    { role: "tool", content: "3", toolCallId: call!.id },
  );
  const { prompt } = await model.renderChat(messages, { tools });
  assert(prompt.includes(`\n${text}\n`), prompt);
  assert(prompt.includes("Result of add:\n3"), prompt);
  assertThrows(
    () =>
      model.chat(messages, {
        tools,
        toolChoice: "required",
        grammar: GRAMMARS[0]!,
      }),
    TypeError,
    "one of them is wanted",
  );
});

Deno.test("generateObject() gives its text as a stream, and ends with its scope", async () => {
  await using model = await loadModel(
    projectFile("models/stories260k-f32.gguf"),
  );
  const options = { schema: { type: "array", items: { type: "boolean" } } };
  const limits = { maxTokens: 40, temperature: 1, seed: 2 };
  const object = model.generateObject("Yes:", { ...options, ...limits });
  const texts = await Array.fromAsync(object.toTextStream());
  assertEquals(JSON.parse(texts.join("")), await object.object);
  let left: ObjectGeneration<unknown>;
  {
    await using begun = model.generateObject("Yes:", { ...options, ...limits });
    left = begun;
    for await (const _ of begun.toReadableStream()) break;
  }
  await assertRejects(() => left.object, SyntaxError, "Cannot parse");
});
