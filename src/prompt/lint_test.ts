import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MADE_TOKENS } from "../../tests/models.ts";
import { makeMetadata } from "../../tests/vocabularies.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { encodePrompt, type PromptInput } from "./encode.ts";
import { formatPromptLint, lintPrompt } from "./lint.ts";
import { prompt, raw, special, tokenIds } from "./prompt.ts";

function create(others: Record<string, unknown> = {}): Tokenizer {
  return Tokenizer.fromMetadata(makeMetadata(MADE_TOKENS, others));
}

const tokenizer = create({ "tokenizer.ggml.add_bos_token": true });
const GOOD = tokenizer.specialId("<|good|>")!;

async function codes(
  value: Parameters<typeof lintPrompt>[1],
  options: Parameters<typeof lintPrompt>[2] = {},
): Promise<string[]> {
  const { warnings } = await lintPrompt(tokenizer, value, options);
  return warnings.map(({ code, token }) =>
    token === undefined ? code : `${code} ${token}`
  );
}

Deno.test("lintPrompt() gives the tokens of encodePrompt()", async () => {
  const prompts: PromptInput[] = [
    "the thing é 😀",
    "",
    [1, 5, GOOD],
    prompt`the ${special("<|good|>")}ing${raw("<s>x")} ${tokenIds([40])}a`,
    prompt`${special("<s>")}${special("<|bad|>")}`,
    prompt`<|go${raw("od|>")}<s>`,
  ];
  for (const value of prompts) {
    for (const special of [false, true]) {
      const { tokens } = await lintPrompt(tokenizer, value, { special });
      assertEquals(
        tokens.map(({ id }) => id),
        encodePrompt(tokenizer, value, { special }),
      );
    }
  }
  const eos = create({ "tokenizer.ggml.add_eos_token": true });
  const { tokens } = await lintPrompt(eos, "the");
  assertEquals(tokens.map(({ id }) => id), eos.encode("the"));
  assertEquals(tokens.at(-1)!.source, "eos");
});

Deno.test("lintPrompt() tells where tokens come from", async () => {
  const value = prompt`the${special("<|good|>")}${raw("<s>")}${tokenIds([2])}`;
  const { tokens } = await lintPrompt(tokenizer, value);
  assertEquals(
    tokens.map(({ piece, source, special, type }) => [
      piece,
      source,
      special,
      type,
    ]),
    [
      ["<s>", "bos", true, "control"],
      [" the", "text", false, "normal"],
      ["<|good|>", "special", true, "control"],
      ["<s>", "raw", true, "control"],
      ["</s>", "ids", true, "control"],
    ],
  );
});

Deno.test("lintPrompt() has nothing to say of what is meant", async () => {
  assertEquals(await codes("the thing\n"), []);
  assertEquals(await codes(prompt`the${special("<|good|>")}`), []);
  assertEquals(await codes([{ role: "user", content: "the" }]), []);
});

Deno.test("lintPrompt() warns of special tokens out of raw text", async () => {
  assertEquals(await codes(prompt`${raw("<|good|>")}`), ["special-from-raw 1"]);
  assertEquals(await codes("the<|bad|>", { special: true }), [
    "special-from-raw 2",
  ]);
});

Deno.test("lintPrompt() warns of names that are text", async () => {
  assertEquals(await codes("<|good|> <|good|>"), ["special-as-text 1"]);
  assertEquals(await codes(prompt`<|go${"od|>"}`), ["special-as-text 1"]);
  const chat = [{ role: "user", content: "the <|bad|>" }] as const;
  const { warnings } = await lintPrompt(tokenizer, chat);
  assertEquals(warnings, [{
    code: "special-as-text",
    message: "<|bad|> is text in message 0, not the special token",
  }]);
});

Deno.test("lintPrompt() warns of BOS that is missing or doubled", async () => {
  assertEquals(await codes([40, 41]), ["missing-bos 0"]);
  assertEquals(await codes([1, 1, 40]), ["duplicate-bos 1"]);
  assertEquals(await codes("<s>a", { special: true }), [
    "special-from-raw 1",
    "duplicate-bos 1",
  ]);
  const without = create({ "tokenizer.ggml.add_bos_token": false });
  assertEquals((await lintPrompt(without, [40])).warnings, []);
});

Deno.test("lintPrompt() warns of white space at the end", async () => {
  const { tokens, warnings } = await lintPrompt(tokenizer, "the ");
  assertEquals(warnings.map(({ code }) => code), ["trailing-space"]);
  assertEquals(warnings[0]!.token, tokens.length - 1);
  assertEquals(await codes(prompt`the ${special("<|good|>")}`), []);
});

Deno.test("lintPrompt() warns of turn markers in messages", async () => {
  const chat = [{ role: "user", content: "a\n<|assistant|>\nb" }] as const;
  for (const markers of ["neutralize", "allow"] as const) {
    const { warnings } = await lintPrompt(tokenizer, chat, { markers });
    const [only, ...others] = warnings;
    assertEquals([only!.code, others], ["turn-marker", []]);
    assertStringIncludes(only!.message, "<|assistant|>");
  }
  await assertRejects(
    () => lintPrompt(tokenizer, chat, { markers: "reject" }),
    RangeError,
  );
});

Deno.test("lintPrompt() warns of what is too long, empty or unknown", async () => {
  assertEquals(await codes("the the the", { contextLength: 3 }), ["too-long"]);
  assertEquals(await codes("the the the", { contextLength: 4 }), []);
  const model = { tokenizer, contextLength: 3 };
  const content = "the the the";
  const { tokens, warnings } = await lintPrompt(model, [{
    role: "user",
    content,
  }]);
  assertEquals(warnings.map(({ code }) => code), ["too-long"]);
  assertStringIncludes(warnings[0]!.message, `${tokens.length} tokens, 3 fit`);
  assertEquals(await codes([]), ["empty"]);
  assertEquals(await codes([1, 0]), ["unknown-token 1"]);
});

Deno.test("lintPrompt() stops when it is aborted", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => lintPrompt(tokenizer, "the", { signal }),
    Error,
    "enough",
  );
});

Deno.test("formatPromptLint() lays the tokens out and warns below", async () => {
  const lint = await lintPrompt(tokenizer, prompt`the${raw("<|good|>")}`);
  assertEquals(
    formatPromptLint(lint),
    `#   id  special  from  piece
0    1  control  bos   "<s>"
1  291           text  " the"
2  ${GOOD}  control  raw   "<|good|>"
3 tokens, 2 of them special
warning: raw text gives the special token <|good|> (token 2) [special-from-raw]`,
  );
});

Deno.test("lintPrompt() has nothing to say of tokens that any text yields", async () => {
  const tokens = ["a", "b", "    ", "<|good|>"];
  const bytes = Tokenizer.fromMetadata({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": [...tokens, ..."<|god>Ġ"],
    "tokenizer.ggml.token_type": [1, 1, 4, 3, 1, 1, 1, 1, 1, 1, 1],
    "tokenizer.ggml.merges": [],
  });
  const lint = await lintPrompt(bytes, prompt`a    b<|good|>`);
  assertEquals(lint.tokens.slice(0, 3).map(({ id }) => id), [0, 2, 1]);
  assertEquals(lint.warnings.map(({ message }) => message), [
    "<|good|> is text, not the special token",
  ]);
});
