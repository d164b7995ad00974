import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createChat } from "./chats_test.ts";
import { compileTemplate } from "./template.ts";

const TOKENS = { bos: "<s>", eos: "</s>" };

Deno.test("compileTemplate() gives a template what chat templates use", async () => {
  const render = await compileTemplate(
    "{{ bos_token }}{{ eos_token }}{{ messages | length }}{{ add_generation_prompt }}{{ strftime_now('%Y') | length }}{{ messages[0].name is defined }}",
    TOKENS,
  );
  const message = { ...createChat("Hi")[0]!, name: "Eve" };
  assertEquals(render([message]), "<s></s>1true4false");
});

Deno.test("compileTemplate() throws when the template cannot be parsed", async () => {
  const error = await assertRejects(
    () => compileTemplate("{% for m in messages %}", TOKENS),
    SyntaxError,
    "Cannot parse the chat template: ",
  );
  assertEquals(error.cause instanceof Error, true);
});

Deno.test("compileTemplate() gives a function that says why a template throws", async () => {
  const raising = await compileTemplate(
    "{{ raise_exception('Roles must alternate') }}",
    TOKENS,
  );
  assertThrows(
    () => raising(createChat("Hi")),
    Error,
    "Cannot render the chat template: Roles must alternate",
  );
  const failing = await compileTemplate("{{ messages.x() }}", TOKENS);
  assertThrows(
    () => failing(createChat("Hi")),
    Error,
    "Cannot render the chat template: ",
  );
});

Deno.test("compileTemplate() does not run template code in a message", async () => {
  const render = await compileTemplate("{{ messages[0].content }}", TOKENS);
  assertEquals(
    render(createChat("{{ bos_token }}{% x")),
    "{{ bos_token }}{% x",
  );
});
