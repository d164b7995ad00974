import { assertEquals } from "@std/assert";
import { cleanSpaces } from "./clean_spaces.ts";

// Text, and what llama.cpp b4753 makes of it with GPT-2's vocabulary.
const CASES: [string, string][] = [
  ["Hello , world ! How ? ok .", "Hello, world! How? ok."],
  ["  .", " ."],
  [" . , ?", ".,?"],
  ["a ' b", "a'b"],
  ["it 's I 'm we 're they 've", "it's I'm we're they've"],
  ["he 'd isn 't we 'll 'S", "he 'd isn 't we 'll 'S"],
  [" ' ' x", "'' x"],
  [" ' ' ' ' 's 's", "'''''s's"],
  ["  '  're 'r", " ''re 'r"],
  [" '", " '"],
  ["a ; b : c", "a ; b : c"],
  ["", ""],
];

for (const [text, cleaned] of CASES) {
  Deno.test(`cleanSpaces() treats ${JSON.stringify(text)} as llama.cpp does`, () => {
    assertEquals(cleanSpaces(text), cleaned);
  });
}
