import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadModel } from "../mod.ts";
import { STORIES } from "./sessions.ts";

Deno.test("a regular expression is read as JavaScript reads it", async () => {
  await using model = await loadModel(STORIES);
  const patterns = [
    ...["a\\x41b", ".{9}", "[\\s\\S]{9}", "[à-ï]{4}", "[^\\s]{9}", "\\S{9}"],
    ...["[äöü]+", "", "a\0b", "(|a)b", "[\u4e00-\u9fa5]{2}"],
  ];
  for (const pattern of patterns) {
    const expression = new RegExp(`^(?:${pattern})$`, "u");
    for (let seed = 0; seed < 4; seed++) {
      const { text, finishReason } = await model.generate("Once", {
        grammar: { kind: "regex", pattern },
        temperature: 20,
        maxTokens: 60,
        seed,
      }).result();
      assertEquals(finishReason, "stop");
      assert(expression.test(text), `${JSON.stringify(text)} of ${pattern}`);
    }
  }
  await assertRejects(
    () =>
      model.generate("Once", {
        grammar: { kind: "regex", pattern: "[^\\s\\S]" },
      }).result(),
    TypeError,
    "Cannot follow the pattern",
  );
});
