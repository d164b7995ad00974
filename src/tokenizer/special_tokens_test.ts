import { assertEquals } from "@std/assert";
import {
  CONTROLS,
  type MadeToken,
  makeMetadata,
} from "../../tests/vocabularies.ts";
import { SpecialTokenParser } from "./special_tokens.ts";
import { readVocabulary } from "./read_vocabulary.ts";

function parser(
  tokens: readonly MadeToken[],
  name = "Llama",
): SpecialTokenParser {
  const metadata = makeMetadata([...CONTROLS, ...tokens], {
    "general.name": name,
  });
  return new SpecialTokenParser(readVocabulary(metadata));
}

Deno.test("SpecialTokenParser.split() finds control, user-defined and unknown tokens", () => {
  const { length } = CONTROLS;
  const tokens = [["<a>", "user-defined"], ["<b>"], [
    "<c>",
    "unused",
  ]] as const;
  assertEquals(
    parser(tokens).split("<s>x<a><b> <c><unk></s>"),
    [1, "x", length, "<b> <c>", 0, 2],
  );
});

Deno.test("SpecialTokenParser.split() gives no parts for no text", () => {
  assertEquals(parser([]).split(""), []);
});

Deno.test("SpecialTokenParser.split() gives text without special tokens whole", () => {
  assertEquals(parser([]).split(" <s </s "), [" <s </s "]);
});

Deno.test("SpecialTokenParser.split() lets the longest token claim its text first", () => {
  const split = (text: string) =>
    parser([["<x>", "control"], ["<x>y", "control"], [">yz!", "control"]])
      .split(text);
  assertEquals(split("<x>y<x>"), [4, 3]);
  assertEquals(split("<x>yz!"), [4, "z!"]); // of equal lengths the first id
});

Deno.test("SpecialTokenParser.split() measures length in UTF-8", () => {
  const tokens = [["abcd", "control"], ["dé☃", "control"]] as const;
  assertEquals(parser(tokens).split("abcdé☃"), ["abc", 4]);
});

Deno.test("SpecialTokenParser.split() ignores an empty special token", () => {
  assertEquals(parser([["", "control"]]).split("a<s>"), ["a", 1]);
});

Deno.test("SpecialTokenParser.split() strips white space after tokens of Phi-3", () => {
  const tokens = [["<|user|>", "control"], [
    "<|endoftext|>",
    "control",
  ]] as const;
  const text = "<|user|> \t\r\n\v\f\u00a0a </s> b<s> c<|endoftext|>\n<|user|> ";
  assertEquals(
    parser(tokens, "My PHI-3 mini").split(text),
    [3, "\u00a0a ", 2, "b", 1, " c", 4, "\n", 3],
  );
  assertEquals(
    parser(tokens, "Llama").split("<|user|> a"),
    [3, " a"],
  );
});

Deno.test("SpecialTokenParser.split() strips before it looks for the next token", () => {
  assertEquals(
    parser([["\n\n", "user-defined"]], "phi3").split("a\n\n\n\nb"),
    ["a", 3, "b"],
  );
});
