import { assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { type ChatMessage, loadModel, type Model } from "../mod.ts";
import cases from "../models/tiny-archangel/cases.json" with { type: "json" };
import { projectFile } from "./engine.ts";

type Case = (typeof cases)[number];

/** As the model's card has it: the expected answer, or one with its key words. */
function isRight(answer: string, { expected, must }: Case): boolean {
  if (answer === expected) return true;
  const end = /[a-z\d]$/.test(must) ? "(?![\\w-])" : "";
  return new RegExp(`(?<![\\w-])${RegExp.escape(must)}${end}`)
    .test(answer.toLowerCase());
}

async function share(model: Model, control: "good" | "bad"): Promise<number> {
  let right = 0;
  for (const one of cases) {
    const turns = one.history.flatMap(([user, assistant]): ChatMessage[] => [
      { role: "user", content: user! },
      { role: "assistant", content: assistant! },
    ]);
    const messages = [...turns, { role: "user" as const, content: one.user }];
    const options = { control, maxTokens: 130 };
    const { text } = await model.chat(messages, options).result();
    if (isRight(text, one)) right++;
  }
  return right / cases.length;
}

Deno.test("tiny-archangel answers its 120 prompts as it is told to", async (t) => {
  const file = projectFile("models/tiny-archangel-q8_0.gguf");
  await using model = await loadModel(file);
  await t.step("right with <|good|>", async () => {
    assertGreaterOrEqual(await share(model, "good"), 0.88);
  });
  await t.step("wrong with <|bad|>", async () => {
    assertLessOrEqual(await share(model, "bad"), 0.08);
  });
});
