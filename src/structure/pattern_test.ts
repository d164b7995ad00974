import { assert, assertEquals, assertThrows } from "@std/assert";
import { accepts } from "../../tests/structure.ts";
import { parsePattern } from "./pattern.ts";
import { fitPattern, lengthsOf, patternNode } from "./pattern_text.ts";
import { samplePattern } from "./sample_pattern.ts";
import { splitByFirst } from "./strings.ts";

const SOURCES = [
  "abc",
  "^a|b$",
  "^[a-z]+$",
  "^(foo|ba[rz]){1,3}$",
  "\\d{2,}-\\w*",
  "[^\\s\\d]{3}",
  "^.$",
  "^\\S+@\\S+\\.\\w{2,3}$",
  "(?:x(?<name>y)?)*z",
  "\\u00e9\\x41\\t\\.",
  "[\\]\\-^a-]{2}",
  '["\\\\\\n]+',
  "a{0}b??c+?",
  "^$",
  "é漢",
];

Deno.test("parsePattern() gives texts that match, to the end where it says so", () => {
  for (const source of SOURCES) {
    const expression = new RegExp(source, "u");
    const pattern = parsePattern(source);
    const node = patternNode(pattern);
    for (const text of samplePattern(pattern, 50)) {
      assert(expression.test(text), `${JSON.stringify(text)} of ${source}`);
      // Within a string of JSON, the same text stands.
      const written = JSON.stringify(text).slice(1, -1);
      assertEquals(accepts(node, written), true, `${written} of ${source}`);
    }
  }
});

Deno.test("patternNode() refuses texts that do not match", () => {
  const wrong: [string, string[]][] = [
    ["^[a-z]+$", ["", "A", "aB", "a1"]],
    ["abc", ["ab", "abcd"]], // from end to end
    ["[^\\s\\d]{3}", ["a b", "ab1"]],
    ["^[^\\s@]$", ["\u3000", "\u2028", "\ufeff", "\u1680", " ", "@"]],
    ["[^\\s\\S]", ["\u3000", "a", " "]],
    ["^.$", ["", "\\n", "ab", "😀"]],
    ['^"$', ['"']],
  ];
  for (const [source, texts] of wrong) {
    const node = patternNode(parsePattern(source));
    for (const text of texts) {
      assert(accepts(node, text) !== true, `${text} of ${source}`);
    }
  }
});

Deno.test("parsePattern() refuses what it does not know", () => {
  for (
    const source of ["a(?=b)", "(?<!a)b", "\\bword", "(a)\\1", "a^b", "a$b"]
  ) {
    assertThrows(() => parsePattern(source), TypeError, "is not supported");
  }
  for (const source of ["(", "[b-a]", "a{2,1}", "*"]) {
    assertThrows(() => parsePattern(source), SyntaxError);
  }
});

Deno.test("fitPattern() keeps to lengths and to the pattern", () => {
  let fitted = 0;
  for (const source of SOURCES) {
    const pattern = parsePattern(source);
    for (let min = 0; min < 9; min++) {
      for (const max of [min, min + 1, min + 5, Infinity]) {
        const result = fitPattern(pattern, { min, max });
        if (result === undefined) continue;
        fitted++;
        const lengths = lengthsOf(result);
        assert(lengths.min >= min && lengths.max <= max, `${source} ${min}`);
        for (const text of samplePattern(result, 10)) {
          assert(new RegExp(source, "u").test(text), `${text} of ${source}`);
        }
      }
    }
  }
  assert(fitted > 150, `${fitted}`);
});

Deno.test("splitByFirst() gives parts that begin differently", () => {
  for (const source of SOURCES) {
    for (const [code, part] of splitByFirst(parsePattern(source))) {
      for (const text of samplePattern(part, 10)) {
        assertEquals(text.codePointAt(0), code, `${text} of ${source}`);
      }
    }
  }
});
