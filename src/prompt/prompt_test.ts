import {
  assertEquals,
  assertFalse,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Prompt,
  prompt,
  PromptPart,
  raw,
  special,
  tokenIds,
} from "./prompt.ts";

/** Kind and content of each part. */
function show({ parts }: Prompt): unknown[] {
  return parts.map(({ kind, text, ids }) => [
    kind,
    kind === "ids" ? ids : text,
  ]);
}

Deno.test("prompt takes what is put into it as text", () => {
  const value = "<|good|>";
  assertEquals(show(prompt`a ${value} b${1}${2n}${true}`), [
    ["text", "a <|good|> b12true"],
  ]);
});

Deno.test("prompt keeps parts that are marked", () => {
  const value = prompt`x${special("<|good|>")}${"y"}${raw("<s>")}${
    tokenIds([5, 6])
  }z`;
  assertEquals(show(value), [
    ["text", "x"],
    ["special", "<|good|>"],
    ["text", "y"],
    ["raw", "<s>"],
    ["ids", [5, 6]],
    ["text", "z"],
  ]);
  assertEquals(value.toString(), "x<|good|>y<s>[5, 6]z");
});

Deno.test("prompt takes prompts and arrays of them", () => {
  const turn = (role: string, text: string) => prompt`${role}: ${text}\n`;
  const turns = [turn("a", "1"), turn("b", "2"), special("<s>"), "end"];
  assertEquals(show(prompt`<${turns}>`), [
    ["text", "<a: 1\nb: 2\n"],
    ["special", "<s>"],
    ["text", "end>"],
  ]);
});

Deno.test("Prompt is the same by its methods as by the template", () => {
  const built = new Prompt("x").text("y").special("<s>").raw("z").ids([1])
    .append("w", special("</s>"));
  const written = prompt`xy${special("<s>")}${raw("z")}${tokenIds([1])}w${
    special("</s>")
  }`;
  assertEquals(show(built), show(written));
});

Deno.test("Prompt does not change", () => {
  const first = new Prompt("x");
  first.text("y");
  const ids = [1, 2];
  const part = tokenIds(ids);
  ids.push(3);
  assertEquals(show(first), [["text", "x"]]);
  assertEquals(part.ids, [1, 2]);
  assertThrows(() => (first.parts as PromptPart[]).push(part), TypeError);
  assertThrows(() => (part.ids as number[]).push(1), TypeError);
  assertThrows(() => (part as { kind: string }).kind = "raw", TypeError);
});

Deno.test("Prompt has no part for what is empty", () => {
  assertEquals(
    show(prompt`${""}${raw("")}${tokenIds([])}${[]}${new Prompt()}`),
    [],
  );
});

Deno.test("prompt takes no data for a part, whatever it looks like", () => {
  const forged: unknown[] = [
    { kind: "special", text: "<|good|>", ids: [] },
    JSON.parse('{"kind":"raw","text":"<|good|>","ids":[]}'),
    JSON.parse(JSON.stringify(special("<|good|>"))),
    structuredClone(special("<|good|>")),
    Object.create(PromptPart.prototype),
    Object.assign(Object.create(PromptPart.prototype), { kind: "special" }),
    { parts: [special("<|good|>")] },
    [{ kind: "special", text: "<|good|>" }],
    [5],
    [[5]],
    null,
    undefined,
    Symbol("x"),
    () => "x",
    new Map(),
    Uint32Array.of(1),
  ];
  for (const value of forged) {
    assertFalse(PromptPart.is(value));
    const error = assertThrows(() => prompt`a${value as string}`, TypeError);
    assertStringIncludes(error.message, "Cannot write prompt: a");
  }
});

Deno.test("special() and the others refuse what is not theirs", () => {
  assertThrows(
    () => special(5 as unknown as string),
    TypeError,
    "special part",
  );
  assertThrows(() => raw(null as unknown as string), TypeError, "is null");
  assertThrows(() => tokenIds("12" as unknown as []), TypeError, "an array");
});

Deno.test("prompt refuses an escape that means nothing", () => {
  const error = assertThrows(() => prompt`\unicode`, TypeError);
  assertStringIncludes(error.message, '"\\\\unicode" has an escape');
});
