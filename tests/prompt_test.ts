import { assertEquals, assertThrows } from "@std/assert";
import {
  encodePrompt,
  lintPrompt,
  loadModel,
  Prompt,
  prompt,
  special,
} from "../mod.ts";
import { continueIds } from "./engine.ts";
import { makeModel } from "./models.ts";

Deno.test("Model.generate() takes a prompt of parts", async () => {
  await using model = await loadModel(makeModel());
  const written = prompt`the ${special("<|good|>")}thing <|bad|>`;
  const ids = encodePrompt(model.tokenizer, written);
  assertEquals(
    await continueIds(model, written),
    await continueIds(model, ids),
  );
  assertThrows(
    () => model.generate(new Prompt()),
    RangeError,
    "at least one character is wanted",
  );
  assertThrows(
    () => model.generate(prompt`${special("<|none|>")}`),
    RangeError,
    'no special token "<|none|>"',
  );
});

Deno.test("lintPrompt() takes a model", async () => {
  await using model = await loadModel(makeModel());
  const { warnings } = await lintPrompt(model, "a".repeat(100));
  assertEquals(warnings.map(({ code }) => code), ["too-long"]);
});

Deno.test("Model.score() takes a prompt of parts", async () => {
  await using model = await loadModel(makeModel());
  const written = prompt`the ${special("<|good|>")}thing`;
  const ids = encodePrompt(model.tokenizer, written);
  assertEquals(await model.score(written), await model.score(ids));
  const answers = [" a", " the thing", [40, 41]];
  assertEquals(
    await model.score(written, answers),
    await model.score(ids, answers),
  );
  const bare = encodePrompt(model.tokenizer, written, { bos: false });
  assertEquals(
    await model.score(written, answers, { bos: false }),
    await model.score(bare, answers),
  );
});
