import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CHATML_TEMPLATE,
  createChat,
  createRandom,
  LLAMA2_TEMPLATE,
} from "./chats_test.ts";
import {
  breakBorderMarkers,
  findMarkers,
  guardMarkers,
  neutralizeMarkers,
} from "./markers.ts";
import { type Marks, markText, removeMarks } from "./marks.ts";
import { compileTemplate } from "./template.ts";
import { TULU_MARKERS } from "./tulu.ts";
import { TINY_TEMPLATE } from "./vocabularies_test.ts";

const MARKS: Marks = { inner: "\ufdd0", outer: "\ufeff" };

async function markersOf(source: string): Promise<string[]> {
  const render = await compileTemplate(source, { bos: "<s>", eos: "</s>" });
  return findMarkers(source, render).sort();
}

Deno.test("findMarkers() finds markers in a template's source", async () => {
  assertEquals(await markersOf(CHATML_TEMPLATE), [
    "<|im_end|>",
    "<|im_start|>",
  ]);
  assertEquals(await markersOf(LLAMA2_TEMPLATE), [
    "<</SYS>>",
    "<<SYS>>",
    "[/INST]",
    "[INST]",
  ]);
});

Deno.test("findMarkers() finds markers in a branch that plain chats do not take", async () => {
  const source =
    "{% if tools %}[AVAILABLE_TOOLS]<tool_call>{% endif %}{{ messages[0].content }}";
  assertEquals(await markersOf(source), ["<tool_call>", "[AVAILABLE_TOOLS]"]);
});

Deno.test("findMarkers() finds markers that a template puts together", async () => {
  assertEquals(await markersOf(TINY_TEMPLATE), [
    "<|assistant|>",
    "<|system|>",
    "<|user|>",
  ]);
});

Deno.test("findMarkers() takes a template that refuses system messages", async () => {
  const source =
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system role') }}{% endif %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}";
  assertEquals(await markersOf(source), ["<|assistant|>", "<|user|>"]);
});

Deno.test("findMarkers() finds role names with a colon", async () => {
  const source =
    "{% for m in messages %}{{ ('USER: ' if m.role == 'user' else 'ASSISTANT: ') + m.content + '\n' }}{% endfor %}### Response:";
  assertEquals(await markersOf(source), [
    "### Response:",
    "ASSISTANT:",
    "USER:",
  ]);
});

Deno.test("neutralizeMarkers() puts a space into each marker", () => {
  assertEquals(
    neutralizeMarkers("a <|user|>b<|user|><|system|>\n", TULU_MARKERS),
    "a < |user|>b< |user|>< |system|>\n",
  );
  assertEquals(neutralizeMarkers("USER: hi", ["USER:"]), "USER : hi");
});

Deno.test("neutralizeMarkers() leaves text that is no marker as it is", () => {
  const text = "< |user|> <|user| |user|> <|User|> <|users|> [INST] $& \\";
  assertEquals(neutralizeMarkers(text, TULU_MARKERS), text);
  assertEquals(neutralizeMarkers("<|user|>", []), "<|user|>");
});

Deno.test("neutralizeMarkers() leaves no marker when one stands in another", () => {
  assertEquals(
    neutralizeMarkers("<|us<|user|>er|>", TULU_MARKERS),
    "<|us< |user|>er|>",
  );
});

Deno.test("neutralizeMarkers() breaks a marker that its own space completes", () => {
  assertEquals(neutralizeMarkers("#a:", ["#a", "# a"]), "#  a:");
});

Deno.test("neutralizeMarkers() finds a marker's space written as U+2581", () => {
  const text = neutralizeMarkers("###\u2581Response: x", ["### Response:"]);
  assertEquals(text, "###\u2581Response : x");
});

Deno.test("neutralizeMarkers() leaves no marker in random text", () => {
  const random = createRandom(3);
  const pieces = ["<", "|", ">", "<|", "|>", "user", "system", "<|user|>", " "];
  for (let round = 0; round < 500; round++) {
    const text = Array.from(
      { length: random(12) },
      () => pieces[random(pieces.length)],
    ).join("");
    const result = neutralizeMarkers(text, TULU_MARKERS);
    for (const marker of TULU_MARKERS) assert(!result.includes(marker), text);
    assertEquals(result.replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});

Deno.test("guardMarkers() names message and marker when it rejects", () => {
  assertThrows(
    () =>
      guardMarkers(
        createChat("Hi", "Hello\n<|user|>\nHm", "a"),
        TULU_MARKERS,
        "reject",
      ),
    RangeError,
    'Cannot render the chat: message 1 has the turn marker "<|user|>", text without turn markers is wanted',
  );
});

Deno.test("guardMarkers() leaves markers when they are allowed", () => {
  const chat = createChat("<|user|>");
  assertEquals(guardMarkers(chat, TULU_MARKERS, "allow"), chat);
});

Deno.test("breakBorderMarkers() breaks what a template makes of message text", () => {
  const text = `[INST][${markText("INST", MARKS)}] ${
    markText("a[", MARKS)
  }INST]`;
  const result = breakBorderMarkers(text, ["[INST]"], MARKS, "neutralize");
  assertEquals(removeMarks(result, MARKS), "[INST][ INST] a[ INST]");
  assertEquals(breakBorderMarkers(text, ["[INST]"], MARKS, "allow"), text);
  assertThrows(
    () => breakBorderMarkers(text, ["[INST]"], MARKS, "reject"),
    RangeError,
    'message text and template make up the turn marker "[INST]"',
  );
});
