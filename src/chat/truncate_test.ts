import { assert, assertEquals, assertRejects } from "@std/assert";
import { bestMs } from "../../tests/best_ms.ts";
import { createChat, LLAMA2_TEMPLATE } from "./chats_test.ts";
import type { ChatMessage } from "./messages.ts";
import { renderChat, type RenderChatOptions } from "./render.ts";
import {
  createTokenizer,
  LLAMA,
  TINY,
  TINY_TEMPLATE,
} from "./vocabularies_test.ts";

const SYSTEM: ChatMessage = { role: "system", content: "Be brief." };
const TURNS = createChat(
  ...Array.from(
    { length: 21 },
    (_, i) => `Text ${i}${" and more".repeat(i % 5)}`,
  ),
);
const HUGE = 2 ** 20;

async function countIds(
  messages: ChatMessage[],
  options: Partial<RenderChatOptions>,
): Promise<number> {
  const { ids } = await renderChat(TINY, messages, {
    ...options,
    contextLength: HUGE,
  });
  return ids.length;
}

const FORMATS: Record<string, Partial<RenderChatOptions>> = {
  tulu2: { format: "tulu2" },
  halos: { format: "halos", control: "bad" },
  "tulu2-eos": { format: "tulu2-eos" },
  "the model's template": {
    format: "auto",
    template: TINY_TEMPLATE,
    control: "good",
  },
  "a Llama 2 template": { format: "auto", template: LLAMA2_TEMPLATE },
};

for (const [name, options] of Object.entries(FORMATS)) {
  Deno.test(`renderChat() drops the fewest turns that it must by ${name}`, async () => {
    for (
      const kept of [TURNS, TURNS.slice(2), TURNS.slice(12), TURNS.slice(20)]
    ) {
      const fits = await countIds(kept, options);
      const dropped = TURNS.length - kept.length;
      const wanted = await renderChat(TINY, kept, {
        ...options,
        contextLength: HUGE,
      });
      for (const reserve of [1, 7]) {
        const rendered = await renderChat(TINY, TURNS, {
          ...options,
          contextLength: fits + reserve,
          reserve,
        });
        assertEquals(rendered.ids, wanted.ids);
        assertEquals(rendered.prompt, wanted.prompt);
        assertEquals(rendered.droppedMessages, dropped);
      }
      if (kept.length === 1) continue;
      const { ids, droppedMessages } = await renderChat(TINY, TURNS, {
        ...options,
        contextLength: fits + 6,
        reserve: 7,
      });
      assertEquals(droppedMessages, dropped + 2);
      assertEquals(ids[0], TINY.bosId);
    }
  });
}

Deno.test("renderChat() keeps a leading system message when it drops turns", async () => {
  const options = { format: "auto", template: TINY_TEMPLATE } as const;
  const kept = [SYSTEM, ...TURNS.slice(18)];
  const contextLength = await countIds(kept, options) + 1;
  const { prompt, droppedMessages } = await renderChat(
    TINY,
    [SYSTEM, ...TURNS],
    { ...options, contextLength },
  );
  assertEquals(droppedMessages, 18);
  assertEquals(
    prompt.startsWith("<|system|>\nBe brief.\n<|user|>\nText 18"),
    true,
  );
});

Deno.test("renderChat() lets the last turn alone use all but one token", async () => {
  const chat = TURNS.slice(-3);
  const length = await countIds(chat.slice(2), {});
  const fits = await renderChat(TINY, chat, {
    contextLength: length + 1,
    reserve: 64,
  });
  assertEquals(fits.ids.length, length);
  assertEquals(fits.droppedMessages, 2);
  await assertRejects(
    () => renderChat(TINY, chat, { contextLength: length, reserve: 64 }),
    RangeError,
    `Cannot fit the chat into the context: the last user turn alone takes ${length} tokens, at most ${
      length - 1
    } are wanted`,
  );
});

Deno.test("renderChat() names the system message when it is what does not fit", async () => {
  const chat = [SYSTEM, ...createChat("Hi")];
  const length = await countIds(chat, { format: "tulu2-eos" });
  await assertRejects(
    () =>
      renderChat(TINY, chat, { format: "tulu2-eos", contextLength: length }),
    RangeError,
    `the system message and the last user turn alone take ${length} tokens, at most ${
      length - 1
    } are wanted`,
  );
});

Deno.test("renderChat() takes a history far longer than the context in under a second", async () => {
  const chat = createChat(
    ...Array.from({ length: 4001 }, (_, i) => `This is message number ${i}.`),
  );
  for (const template of [undefined, TINY_TEMPLATE]) {
    const options = { format: "auto", template, contextLength: 512 } as const;
    const elapsed = await bestMs(1000, async () => {
      const { ids, droppedMessages } = await renderChat(TINY, chat, options);
      assert(ids.length > 450 && ids.length <= 511, `${ids.length} tokens`);
      assert(droppedMessages > 3900 && droppedMessages % 2 === 0);
    });
    assert(elapsed < 1000, `${elapsed} ms`);
  }
});

Deno.test("renderChat() encodes little of a history that cannot fit", async () => {
  const tokenizer = createTokenizer({});
  const encode = tokenizer.encodeParts.bind(tokenizer);
  let encoded = 0;
  tokenizer.encodeParts = (parts, options) => {
    encoded += parts.join("").length;
    return encode(parts, options);
  };
  const turn = "The cake needs flour, sugar, eggs and an hour of patience. ";
  const chat = createChat(
    ...Array.from({ length: 1001 }, () => turn.repeat(5)),
  );
  const { ids } = await renderChat(tokenizer, chat, { contextLength: 512 });
  assert(ids.length > 300, `${ids.length} tokens`);
  assert(encoded < 30_000, `${encoded} characters`);
});

Deno.test("renderChat() refuses a huge message without encoding it", async () => {
  const chat = createChat("Hello, you. ".repeat(100_000));
  const elapsed = await bestMs(2000, () =>
    assertRejects(
      () => renderChat(LLAMA, chat, { contextLength: 2048 }),
      RangeError,
      "the last user turn alone takes at least 75002 tokens, at most 2047 are wanted",
    ));
  assert(elapsed < 2000, `${elapsed} ms`);
});
