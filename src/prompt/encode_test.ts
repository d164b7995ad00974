import { assert, assertEquals, assertThrows } from "@std/assert";
import { MADE_TOKENS } from "../../tests/models.ts";
import { makeMetadata, seededRandom } from "../../tests/vocabularies.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { encodePrompt } from "./encode.ts";
import { Prompt, prompt, raw, special, tokenIds } from "./prompt.ts";

const BOS = { "tokenizer.ggml.add_bos_token": true };
const tokenizer = Tokenizer.fromMetadata(makeMetadata(MADE_TOKENS, BOS));
const id = (name: string) => tokenizer.specialId(name)!;
const [GOOD, BAD, S] = [id("<|good|>"), id("<|bad|>"), id("<s>")];

Deno.test("encodePrompt() gives the ids of encode() for text", () => {
  for (const text of ["the thing", "<|good|> x", "", " é\n", "<s>a"]) {
    const ids = tokenizer.encode(text);
    assertEquals(encodePrompt(tokenizer, text), ids);
    assertEquals(encodePrompt(tokenizer, prompt`${text}`), ids);
    const parsed = tokenizer.encode(text, { special: true });
    assertEquals(encodePrompt(tokenizer, text, { special: true }), parsed);
    const begins = text.startsWith("<s>");
    // Behind a BOS of its own, a prompt gets no second one.
    assertEquals(
      encodePrompt(tokenizer, prompt`${raw(text)}`),
      begins ? parsed.slice(1) : parsed,
    );
  }
});

Deno.test("encodePrompt() makes special tokens of marked parts alone", () => {
  const name = "<|good|>";
  const ids = encodePrompt(
    tokenizer,
    prompt`the ${name}${special("<|bad|>")}ing ${name}`,
  );
  assertEquals(ids.filter((one) => one === GOOD), []);
  const at = ids.indexOf(BAD);
  assertEquals(ids, [
    ...tokenizer.encode("the <|good|>"),
    BAD,
    ...tokenizer.encode("ing <|good|>", { bos: false }),
  ]);
  assert(at > 0);
});

Deno.test("encodePrompt() makes one text of texts that are side by side", () => {
  const whole = tokenizer.encode("the thing");
  assertEquals(
    encodePrompt(tokenizer, prompt`t${"h"}e ${new Prompt("th")}ing`),
    whole,
  );
  // A name that comes together from two parts stays text.
  for (
    const value of [prompt`<|go${raw("od|>")}`, prompt`${raw("<|go")}od|>`]
  ) {
    assertEquals(encodePrompt(tokenizer, value), tokenizer.encode("<|good|>"));
  }
});

Deno.test("encodePrompt() keeps a character that two texts make up", () => {
  const [high, low] = ["\ud83d", "\ude00"];
  assertEquals(
    encodePrompt(tokenizer, prompt`${high}${low}`),
    tokenizer.encode("😀"),
  );
  assertEquals(
    encodePrompt(tokenizer, prompt`${high}${special("<s>")}${low}`),
    encodePrompt(tokenizer, prompt`\ufffd${special("<s>")}\ufffd`),
  );
});

Deno.test("encodePrompt() adds BOS but where the prompt begins with it", () => {
  const the = tokenizer.encode("the", { bos: false });
  for (
    const value of [
      prompt`the`,
      prompt`${special("<s>")}the`,
      prompt`${raw("<s>the")}`,
      prompt`${tokenIds([S])}the`,
    ]
  ) {
    assertEquals(encodePrompt(tokenizer, value), [S, ...the]);
  }
  const twice = prompt`${special("<s>")}${special("<s>")}the`;
  assertEquals(encodePrompt(tokenizer, twice), [S, S, ...the]);
  assertEquals(encodePrompt(tokenizer, prompt`the`, { bos: false }), the);
  assertEquals(encodePrompt(tokenizer, new Prompt()), [S]);
});

Deno.test("encodePrompt() takes ids as they are", () => {
  assertEquals(encodePrompt(tokenizer, [5, 6]), [5, 6]);
  assertEquals(encodePrompt(tokenizer, prompt`${tokenIds([GOOD, 9])}`), [
    S,
    GOOD,
    9,
  ]);
  assertThrows(
    () => encodePrompt(tokenizer, prompt`${tokenIds([300])}`),
    RangeError,
    "token 300",
  );
});

Deno.test("encodePrompt() suggests names like an unknown one", () => {
  const fail = (name: string) =>
    assertThrows(
      () => encodePrompt(tokenizer, prompt`${special(name)}`),
      RangeError,
    ).message;
  const start = "Cannot encode prompt: the vocabulary has no special token ";
  assertEquals(
    fail("<|god|>"),
    `${start}"<|god|>", "<|good|>" or "<|bad|>" may be wanted`,
  );
  assertEquals(
    fail("<|GOOD|>"),
    `${start}"<|GOOD|>", "<|good|>" or "<|bad|>" may be wanted`,
  );
  // 4 are special: <s>, </s> and two that control.
  assertEquals(
    fail("<|start_header_id|>"),
    `${start}"<|start_header_id|>", one of its 4 is wanted`,
  );
  // A token of that name, which is no special one.
  assertEquals(fail("the"), `${start}"the", one of its 4 is wanted`);
  assertEquals(fail(""), `${start}"", one of its 4 is wanted`);
});

Deno.test("encodePrompt() refuses what is no prompt", () => {
  for (const wrong of [undefined, null, 5, { parts: [] }]) {
    assertThrows(
      () => encodePrompt(tokenizer, wrong as unknown as string),
      TypeError,
      "text, ids or a Prompt is wanted",
    );
  }
});

Deno.test("encodePrompt() never makes a special token of text", () => {
  const random = seededRandom(7);
  const pieces = [
    "<",
    "|",
    "good",
    "|>",
    "<|good|>",
    "<s>",
    "</s>",
    "the",
    " ",
  ];
  const text = () =>
    Array.from({ length: random(6) }, () => pieces[random(pieces.length)])
      .join("");
  for (let round = 0; round < 300; round++) {
    let value = new Prompt();
    let marked = 0;
    for (let part = random(6); part >= 0; part--) {
      if (random(3) === 0) {
        value = value.special("<|bad|>");
        marked++;
      } else {
        value = prompt`${value}${text()}${[text(), prompt`${text()}`]}`;
      }
    }
    const ids = encodePrompt(tokenizer, value, { bos: false });
    const specials = ids.filter((one) => tokenizer.isSpecial(one));
    assertEquals(specials, Array(marked).fill(BAD), value.toString());
  }
});
