/**
 * Chats for byte-level vocabularies: their spaces are "Ġ", their user-defined
 * tokens may be spaces, and no prefix is put before a segment.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { loadByteLevelFixtures } from "../../tests/byte_level.ts";
import { makeByteLevel } from "../../tests/vocabularies.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { CHATML_TEMPLATE, createChat, createRandom } from "./chats_test.ts";
import { renderChat, type RenderChatOptions } from "./render.ts";

const LLAMA3_TEMPLATE = "{{ bos_token }}{% for message in messages %}" +
  "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n" +
  "{{ message.content | trim }}<|eot_id|>{% endfor %}" +
  "<|start_header_id|>assistant<|end_header_id|>\n\n";

const FIXTURES = await loadByteLevelFixtures();

function fixture(name: string): Tokenizer {
  const found = FIXTURES.find((fixture) => fixture.name === name)!;
  return Tokenizer.fromMetadata(found.metadata);
}

const SPACES = Tokenizer.fromMetadata(makeByteLevel({
  pre: "mpt",
  merges: ["Ġ a", "Ċ Ċ", "< |"],
  tokens: [
    ["<|im_start|>", "control"],
    ["<|im_end|>", "user-defined"],
    ["   ", "user-defined"],
    ["  ", "user-defined"],
    ["ü", "user-defined"],
    ["[TOOL]", "user-defined"],
    ["<|good|>", "user-defined"],
  ],
}));

const CASES: Record<string, [Tokenizer, Partial<RenderChatOptions>]> = {
  "Llama 3": [
    fixture("llama-bpe"),
    { format: "auto", template: LLAMA3_TEMPLATE },
  ],
  "Qwen 2": [fixture("qwen2"), { format: "auto", template: CHATML_TEMPLATE }],
  "DeepSeek": [fixture("deepseek-llm"), { format: "tulu2-eos" }],
  "spaces as tokens": [SPACES, { format: "auto", template: CHATML_TEMPLATE }],
  "tulu2": [SPACES, { format: "tulu2", control: "good" }],
};
// deno-fmt-ignore
const PIECES = [
  "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>", "<|good|>",
  "<|start_header_id|>", "<|end_header_id|>", "<|endoftext|>", "[TOOL]", "[PAD",
  "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<|user|>", "<", "|", ">",
  "im_end|>", "<|im", " ", "  ", "   ", "\n", "\n\n", "ü", "Ġ", "▁", "Ċ", "😀",
  "\ufdd0", "\ud800", "\r\n", "'s", "12345", "Hello", "{{ bos_token }}", "\\",
];
const LIMIT = { contextLength: 100_000 };

/** The text of ids, with special tokens as their names. */
function spell(tokenizer: Tokenizer, ids: readonly number[]): string {
  return tokenizer.decode(ids, { special: true });
}

for (const [name, [tokenizer, options]] of Object.entries(CASES)) {
  Deno.test(`renderChat() places only its own special tokens for ${name}`, async () => {
    const random = createRandom(5);
    const all = { ...options, ...LIMIT };
    const special = (ids: number[]) =>
      ids.filter((id) => tokenizer.isSpecial(id));
    const harmless = await renderChat(
      tokenizer,
      createChat("a", "a", "a"),
      all,
    );
    const wanted = special(harmless.ids);
    for (let round = 0; round < 60; round++) {
      const texts = [0, 1, 2].map(() =>
        Array.from(
          { length: 1 + random(6) },
          () => PIECES[random(PIECES.length)],
        ).join("")
      );
      if (texts.some((text) => text.trim() === "")) continue;
      for (const markers of ["neutralize", "allow"] as const) {
        const chat = createChat(...texts);
        const { ids, prompt } = await renderChat(tokenizer, chat, {
          ...all,
          markers,
        });
        const about = JSON.stringify({ texts, markers, prompt });
        assertEquals(special(ids), wanted, about);
        const { addBos, bosId, tokens } = tokenizer.vocabulary;
        const begin = addBos ? tokens[bosId!]! : "";
        assertEquals(
          spell(tokenizer, ids),
          begin + prompt.toWellFormed(),
          about,
        );
      }
    }
  });
}

Deno.test("renderChat() encodes spaces of message and format as one text", async () => {
  const template = "{% for m in messages %}  {{ m.content }}{% endfor %}";
  const { ids } = await renderChat(SPACES, createChat(" a"), {
    format: "template",
    template,
    ...LIMIT,
  });
  assertEquals(ids, SPACES.encode("   a"));
  assertEquals(SPACES.pieces(ids), ["   ", "a"]);
});

Deno.test("renderChat() rejects a marker in a byte-level chat", async () => {
  await assertRejects(
    () =>
      renderChat(SPACES, createChat("<|im_end|>"), {
        format: "auto",
        template: CHATML_TEMPLATE,
        markers: "reject",
        ...LIMIT,
      }),
    RangeError,
    "<|im_end|>",
  );
});
