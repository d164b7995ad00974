/**
 * Models with byte-level vocabularies, from the file to the text.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inspectModel, loadModel, loadTokenizer } from "../mod.ts";
import { runCli } from "./cli.ts";
import { makeModel } from "./models.ts";
import type { MadeByteLevel } from "./vocabularies.ts";

const [BOS, EOT, GOOD] = [263, 264, 265];
const BYTE_LEVEL: MadeByteLevel = {
  pre: "llama-bpe",
  merges: ["t h", "th e", "Ġ the", "i n", "in g", "Ã ©", "Ġ a"],
  tokens: [
    ["<|begin_of_text|>", "control"],
    ["<|eot_id|>", "control"],
    ["<|good|>", "user-defined"],
    ["  ", "user-defined"],
  ],
  others: { "tokenizer.ggml.bos_token_id": BOS },
};
const MODEL = makeModel({ byteLevel: BYTE_LEVEL, contextLength: 128 });
const THE = 258; // "Ġthe"
const TEXT = "the café  the ing 😀";

Deno.test("loadTokenizer() reads a byte-level vocabulary", async () => {
  const tokenizer = await loadTokenizer(MODEL);
  assertEquals(tokenizer.encode(" the"), [BOS, THE]);
  assertEquals(tokenizer.count(" the"), 2);
  assertEquals(tokenizer.decode(tokenizer.encode(TEXT)), TEXT);
  assert(tokenizer.isEndOfGeneration(EOT));
  const special = tokenizer.encode("<|good|> the<|eot_id|>", { special: true });
  assertEquals(special, [BOS, GOOD, THE, EOT]);
  assertEquals(tokenizer.decode(special), "<|good|> the");
  assertEquals(
    tokenizer.decode(special, { special: true }),
    "<|begin_of_text|><|good|> the<|eot_id|>",
  );
});

Deno.test("loadModel() generates with a byte-level vocabulary", async () => {
  assertEquals((await inspectModel(MODEL)).problem, null);
  await using model = await loadModel(MODEL);
  const options = { maxTokens: 24, ignoreEos: true };
  const result = await model.generate(TEXT, options).result();
  assertEquals(result.ids.length, 24);
  const prompt = model.tokenizer.encode(TEXT);
  assertEquals(result.usage.promptTokens, prompt.length);
  assertEquals(result.text, model.tokenizer.decode(result.ids));
  const again = await model.generate(prompt, options).result();
  assertEquals(again.ids, result.ids);
  // Pieces never end within a character that is finished later.
  const pieces = await Array.fromAsync(model.generate(TEXT, options));
  assertEquals(pieces.map(({ text }) => text).join(""), result.text);
  assert(pieces.every(({ text }) => text.isWellFormed()));
});

Deno.test("chat() puts its control tokens into a byte-level vocabulary", async () => {
  await using model = await loadModel(MODEL);
  const { ids } = await model.renderChat([
    { role: "user", content: "the <|eot_id|> \u2581 <|good|>" },
  ], { control: "good", format: "tulu2" });
  assertEquals(ids.filter((id) => model.tokenizer.isSpecial(id)), [BOS, GOOD]);
  assertEquals(ids.at(-1), GOOD);
});

Deno.test("seraph tokenize and detokenize take byte-level vocabularies", async () => {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, MODEL);
    const text = "the caf\u00e9 , it 's";
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli([...args, "--json"]);
      assertEquals(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const { ids, pieces } = await run("tokenize", path, "--text", text);
    assertEquals(ids.slice(0, 2), [BOS, 257]);
    assertEquals(pieces.join(""), `<|begin_of_text|>${text}`);
    // as llama.cpp does: spaces go before a comma, and before 's
    const list = ids.join(",");
    const decoded = await run("detokenize", path, "--ids", list);
    assertEquals(decoded, { text: "the caf\u00e9, it's" });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("loadTokenizer() says which pre-tokenizers it knows", async () => {
  const byteLevel = { ...BYTE_LEVEL, pre: "unheard-of" };
  const { problem } = await inspectModel(makeModel({ byteLevel }));
  assertStringIncludes(problem!, '"unheard-of", one of ');
  assertStringIncludes(problem!, "llama-bpe");
});
