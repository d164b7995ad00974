import { assertEquals, assertThrows } from "@std/assert";
import { createChat } from "./chats_test.ts";
import {
  type ChatMessage,
  checkMessages,
  countTurns,
  lastTurns,
} from "./messages.ts";

const SYSTEM: ChatMessage = { role: "system", content: "Be brief." };

function assertRefused(
  messages: unknown,
  kind: new (message: string) => Error,
  message: string,
) {
  assertThrows(() => checkMessages(messages as ChatMessage[]), kind, message);
}

Deno.test("checkMessages() accepts turns with and without a system message", () => {
  checkMessages(createChat("Hi"));
  checkMessages(createChat("Hi", "Hello", "Bye"));
  checkMessages([SYSTEM, ...createChat("Hi", "Hello", "Bye")]);
  checkMessages([
    { role: "system", content: "" },
    ...createChat("", "", "Bye"),
  ]);
});

Deno.test("checkMessages() throws when messages is no array", () => {
  assertRefused("Hi", TypeError, "messages is string, an array is wanted");
  assertRefused(null, TypeError, "messages is null, an array is wanted");
});

Deno.test("checkMessages() throws when there are no messages", () => {
  assertRefused(
    [],
    RangeError,
    "Cannot render the chat: there are no messages, at least one user message is wanted",
  );
});

Deno.test("checkMessages() names the message that is no object", () => {
  assertRefused(
    [{ role: "user", content: "Hi" }, null],
    TypeError,
    "message 1 is null, an object is wanted",
  );
});

Deno.test("checkMessages() names an unknown role and its index", () => {
  assertRefused(
    [{ role: "user", content: "Hi" }, { role: "function", content: "7" }],
    TypeError,
    'Cannot render the chat: message 1 has role "function", "system", "user", "assistant" or "tool" is wanted',
  );
  assertRefused(
    [{ content: "Hi" }],
    TypeError,
    "message 0 has role undefined",
  );
});

Deno.test("checkMessages() throws when content is no string", () => {
  assertRefused(
    [{ role: "user", content: 7 }],
    TypeError,
    "message 0 has content of type number, a string is wanted",
  );
  assertRefused(
    [{ role: "user", content: [{ type: "text" }] }],
    TypeError,
    "message 0 has content of type array",
  );
});

Deno.test("checkMessages() throws when a system message is not the first", () => {
  assertRefused(
    [...createChat("Hi", "Hello"), SYSTEM, ...createChat("Bye")],
    RangeError,
    'message 2 has role "system", a system message as the first alone is wanted',
  );
  assertRefused(
    [SYSTEM, SYSTEM, ...createChat("Hi")],
    RangeError,
    'message 1 has role "system"',
  );
});

Deno.test("checkMessages() throws when roles do not alternate", () => {
  assertRefused(
    [...createChat("Hi"), ...createChat("Hi")],
    RangeError,
    'message 1 has role "user", "assistant" is wanted',
  );
  assertRefused(
    [SYSTEM, { role: "assistant", content: "Hello" }, ...createChat("Hi")],
    RangeError,
    'message 1 has role "assistant", "user" is wanted',
  );
});

Deno.test("checkMessages() throws when the last message is not the user's", () => {
  assertRefused(
    createChat("Hi", "Hello"),
    RangeError,
    'message 1, the last, has role "assistant", "user" is wanted',
  );
  assertRefused(
    [SYSTEM],
    RangeError,
    'message 0, the last, has role "system", "user" is wanted',
  );
});

Deno.test("checkMessages() throws when the last message is empty", () => {
  assertRefused(
    createChat("Hi", "Hello", ""),
    RangeError,
    "Cannot render the chat: empty prompt, message 2, the last, with text is wanted",
  );
});

Deno.test("countTurns() counts the unanswered turn and no system message", () => {
  for (const system of [[], [SYSTEM]]) {
    assertEquals(countTurns([...system, ...createChat("a")]), 1);
    assertEquals(countTurns([...system, ...createChat("a", "b", "c")]), 2);
    assertEquals(
      countTurns([...system, ...createChat("a", "b", "c", "d", "e")]),
      3,
    );
  }
});

Deno.test("lastTurns() keeps whole turns and a leading system message", () => {
  const chat = createChat("a", "b", "c", "d", "e");
  assertEquals(lastTurns(chat, 1), chat.slice(4));
  assertEquals(lastTurns(chat, 2), chat.slice(2));
  assertEquals(lastTurns(chat, 3), chat);
  assertEquals(lastTurns([SYSTEM, ...chat], 1), [SYSTEM, ...chat.slice(4)]);
  assertEquals(lastTurns([SYSTEM, ...chat], 3), [SYSTEM, ...chat]);
});
