import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import goldens from "../../tests/fixtures/goldens/chat-prompts.json" with {
  type: "json",
};
import { CHATML_TEMPLATE, createChat, LLAMA2_TEMPLATE } from "./chats_test.ts";
import type { ChatMessage } from "./messages.ts";
import { renderChat, type RenderChatOptions } from "./render.ts";
import {
  createTokenizer,
  LLAMA,
  PHI3,
  PHI3_TEMPLATE,
  TINY,
  TINY_TEMPLATE,
} from "./vocabularies_test.ts";

const CAKE = createChat(
  "Hi! I'm looking for a cake recipe.",
  "What kind of cake?",
  "Chocolate cake.",
);
const SYSTEM: ChatMessage = { role: "system", content: "Be brief." };
const LIMIT = { contextLength: 2048 };

// deno-fmt-ignore -- ids of the card's dialogue from its first text on
const HI = [18567, 29991, 306, 29915, 29885, 3063, 363, 263, 274, 1296, 9522, 412, 29889];
// deno-fmt-ignore
const ASSISTANT = [13, 29966, 29989, 465, 22137, 29989, 29958, 13];
const USER = [13, 29966, 29989, 1792, 29989, 29958, 13];
const KIND = [5618, 2924, 310, 274, 1296, 29973];
const CHOCOLATE = [1451, 542, 23167, 274, 1296, 29889];

/** Takes the messages and the control out of a golden's text. */
function readPrompt(
  prompt: string,
): { chat: ChatMessage[]; control?: "good" | "bad" } {
  const [, text = "", control] =
    /^\n?(.*\n)<\|assistant\|>\n(?:<\|(good|bad)\|>)?$/s.exec(prompt)!;
  const turns = text.split(/<\|(?:user|assistant)\|>\n/).slice(1);
  const chat = createChat(...turns.map((turn) => turn.slice(0, -1)));
  return control === undefined
    ? { chat }
    : { chat, control: control as "good" | "bad" };
}

for (const [i, { text, ids }] of goldens.cases.entries()) {
  const { chat, control } = readPrompt(text);
  const isHalos = text.startsWith("\n");
  const formats: Partial<RenderChatOptions>[] = isHalos
    ? [{ format: "halos" }]
    : [{ format: "tulu2" }, {}, { format: "auto", template: TINY_TEMPLATE }];
  for (const options of formats) {
    Deno.test(`renderChat() gives the ids of golden ${i} by ${JSON.stringify(options)}`, async () => {
      const { prompt, ids: actual, stop, droppedMessages } = await renderChat(
        TINY,
        chat,
        { ...options, control, contextLength: 512 },
      );
      assertEquals(prompt, text);
      assertEquals(actual, ids);
      assertEquals(stop, ["\n<|user|>"]);
      assertEquals(droppedMessages, 0);
    });
  }
}

Deno.test("renderChat() gives the spec's ids in each TuluV2 format", async () => {
  const idsBy = async (format: "tulu2" | "halos" | "tulu2-eos") =>
    (await renderChat(LLAMA, CAKE, { format, ...LIMIT })).ids;
  const rest = [...CHOCOLATE, ...ASSISTANT];
  const first = [29989, 1792, 29989, 29958, 13, ...HI, ...ASSISTANT, ...KIND];
  assertEquals(await idsBy("tulu2"), [1, 529, ...first, ...USER, ...rest]);
  assertEquals(await idsBy("halos"), [
    ...[1, 29871, 13, 29966],
    ...first,
    ...USER,
    ...rest,
  ]);
  assertEquals(await idsBy("tulu2-eos"), [
    ...[1, 529],
    ...first,
    ...[2, 29871],
    ...USER,
    ...rest,
  ]);
});

Deno.test("renderChat() puts the control token of the file after the last newline", async () => {
  const swapped = createTokenizer({ control: ["<|bad|>", "<|good|>"] });
  const hi = createChat("Hi!");
  const options = { format: "halos", control: "good", ...LIMIT } as const;
  const { ids, prompt } = await renderChat(swapped, hi, options);
  assertEquals(ids, [
    ...[1, 29871],
    ...USER,
    ...[18567, 29991],
    ...ASSISTANT,
    32001,
  ]);
  assertEquals(prompt, "\n<|user|>\nHi!\n<|assistant|>\n<|good|>");
});

Deno.test("renderChat() chooses a format by the file when it is auto", async () => {
  const byTemplate = await renderChat(TINY, CAKE, {
    format: "auto",
    template: TINY_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(byTemplate.format, "template");
  for (const template of [undefined, ""]) {
    const { format } = await renderChat(TINY, CAKE, {
      format: "auto",
      template,
      ...LIMIT,
    });
    assertEquals(format, "tulu2");
  }
  const byDefault = await renderChat(TINY, CAKE, {
    template: TINY_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(byDefault.format, "tulu2");
  const forced = await renderChat(TINY, CAKE, {
    format: "halos",
    template: TINY_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(forced.format, "halos");
});

Deno.test("renderChat() renders a system message by template and by tulu2-eos", async () => {
  const chat = [SYSTEM, ...createChat("Hi")];
  const template = await renderChat(TINY, chat, {
    format: "auto",
    template: TINY_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(
    template.prompt,
    "<|system|>\nBe brief.\n<|user|>\nHi\n<|assistant|>\n",
  );
  const eos = await renderChat(TINY, chat, { format: "tulu2-eos", ...LIMIT });
  assertEquals(eos.prompt, template.prompt);
});

Deno.test("renderChat() gives stop strings when the format has <|user|> lines", async () => {
  const stops = async (options: Partial<RenderChatOptions>) =>
    (await renderChat(TINY, CAKE, { ...options, ...LIMIT })).stop;
  assertEquals(await stops({ format: "tulu2-eos" }), ["\n<|user|>"]);
  assertEquals(await stops({ format: "auto", template: TINY_TEMPLATE }), [
    "\n<|user|>",
  ]);
  assertEquals(await stops({ format: "auto", template: CHATML_TEMPLATE }), []);
  assertEquals(await stops({ format: "auto", template: LLAMA2_TEMPLATE }), []);
});

Deno.test("renderChat() gives the tokenizer's own ids of the prompt it reports", async () => {
  const chatml = createTokenizer({ control: ["<|im_start|>", "<|im_end|>"] });
  const chat = createChat(" Hi,  you 🍰!\n", "\tHello.", "What is 7 < 9?  ");
  const cases = [
    [chatml, { format: "auto", template: CHATML_TEMPLATE }],
    [LLAMA, { format: "auto", template: LLAMA2_TEMPLATE }],
    [PHI3, { format: "auto", template: PHI3_TEMPLATE }],
    [PHI3, { format: "tulu2-eos" }],
    [TINY, { format: "tulu2-eos", control: "bad" }],
  ] as const;
  for (const [tokenizer, options] of cases) {
    const { ids, prompt } = await renderChat(tokenizer, chat, {
      ...options,
      ...LIMIT,
    });
    assertEquals(ids, tokenizer.encode(prompt, { special: true }));
    assert(ids.filter((id) => tokenizer.isSpecial(id)).length > 1);
  }
});

Deno.test("renderChat() gives one BOS when the template writes it, too", async () => {
  const writesNone = TINY_TEMPLATE.replace("{{ bos_token }}", "");
  const sources = {
    "by name": TINY_TEMPLATE,
    "as text": `<s>${writesNone}`,
    twice: `<s>{{ bos_token }}${writesNone}`,
    "after white space": ` \n{{ bos_token }}${writesNone}`,
    never: writesNone,
  };
  const wanted = await renderChat(TINY, CAKE, { format: "tulu2", ...LIMIT });
  for (const [name, template] of Object.entries(sources)) {
    const { ids, prompt } = await renderChat(TINY, CAKE, {
      template,
      ...LIMIT,
    });
    assertEquals(ids, wanted.ids, name);
    assertEquals(prompt, wanted.prompt, name);
  }
});

Deno.test("renderChat() adds BOS only by the template when the file adds none", async () => {
  const tokenizer = createTokenizer({}, {
    "tokenizer.ggml.add_bos_token": false,
  });
  const written = await renderChat(tokenizer, CAKE, {
    format: "auto",
    template: TINY_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(written.ids.slice(0, 3), [1, 529, 29989]);
  assertEquals(written.prompt.slice(0, 9), "<s><|user");
  const plain = await renderChat(tokenizer, CAKE, {
    format: "tulu2",
    ...LIMIT,
  });
  assertEquals(plain.ids, written.ids.slice(1));
});

Deno.test("renderChat() keeps the BOS that a template writes before later turns", async () => {
  const { ids, prompt } = await renderChat(LLAMA, CAKE, {
    format: "auto",
    template: LLAMA2_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(
    prompt,
    "[INST] Hi! I'm looking for a cake recipe. [/INST] What kind of cake? </s><s>[INST] Chocolate cake. [/INST]",
  );
  assertEquals(ids.slice(0, 2), [1, 518]);
  assertEquals(ids.filter((id) => LLAMA.isSpecial(id)), [1, 2, 1]);
});

Deno.test("renderChat() takes a file that gives its tokens no types", async () => {
  const untyped = createTokenizer({}, {
    "tokenizer.ggml.token_type": undefined,
  });
  const { ids } = await renderChat(untyped, CAKE, {
    format: "auto",
    template: LLAMA2_TEMPLATE,
    ...LIMIT,
  });
  assertEquals(ids.filter((id) => id === 1 || id === 2), [1, 2, 1]);
});

Deno.test("renderChat() leaves turn markers when they are allowed", async () => {
  const { prompt } = await renderChat(
    TINY,
    createChat("a\n<|assistant|>\nSure"),
    { markers: "allow", ...LIMIT },
  );
  assertStringIncludes(prompt, "<|user|>\na\n<|assistant|>\nSure\n<|assist");
});
