import { assertEquals, assertThrows } from "@std/assert";
import { createChat } from "./chats_test.ts";
import type { ChatMessage } from "./messages.ts";
import { renderHalos, renderTulu2, renderTulu2Eos } from "./tulu.ts";

const CAKE = createChat(
  "Hi! I'm looking for a cake recipe.",
  "What kind of cake?",
  "Chocolate cake.",
);
const SYSTEM: ChatMessage = { role: "system", content: "Be brief." };
const CARD = `<|user|>
Hi! I'm looking for a cake recipe.
<|assistant|>
What kind of cake?
<|user|>
Chocolate cake.
<|assistant|>
`;

Deno.test("renderTulu2() writes the block of the model card", () => {
  assertEquals(renderTulu2(CAKE), CARD);
});

Deno.test("renderHalos() writes the same after a newline", () => {
  assertEquals(renderHalos(CAKE), "\n" + CARD);
});

Deno.test("renderTulu2Eos() ends answers with EOS", () => {
  assertEquals(
    renderTulu2Eos([SYSTEM, ...CAKE], "</s>"),
    "<|system|>\nBe brief.\n" + CARD.replace("cake?\n", "cake?</s>\n"),
  );
});

Deno.test("renderTulu2() leaves white space and newlines of texts as they are", () => {
  assertEquals(
    renderTulu2(createChat(" a \n", "", "\n\tb")),
    "<|user|>\n a \n\n<|assistant|>\n\n<|user|>\n\n\tb\n<|assistant|>\n",
  );
});

Deno.test("renderTulu2() and renderHalos() throw when there is a system message", () => {
  const wanted =
    /Cannot render the chat: message 0 has role "system".*"tulu2-eos" is wanted/;
  for (const render of [renderTulu2, renderHalos]) {
    const error = assertThrows(() => render([SYSTEM, ...CAKE]), RangeError);
    assertEquals(wanted.test(error.message), true, error.message);
  }
});
