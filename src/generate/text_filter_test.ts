import { assert, assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { TextFilter, type TextFilterOptions } from "./text_filter.ts";

/** Feeds pieces until a stop string is met: what is shown, and which it was. */
function filter(pieces: readonly string[], options: TextFilterOptions) {
  const filter = new TextFilter(options);
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = filter.push(piece);
    shown.push(text);
    if (stop !== undefined) return { text: shown.join(""), stop, shown };
  }
  shown.push(filter.flush());
  return { text: shown.join(""), stop: undefined, shown };
}

/** The definition, character by character. */
function reference(
  text: string,
  { stop = [], stopAtStart = [], trimEnd }: TextFilterOptions,
) {
  const trim = (text: string) => trimEnd ? text.trimEnd() : text;
  for (let end = 1; end <= text.length; end++) {
    const head = text.slice(0, end);
    const met = stop.filter((one) => head.endsWith(one))
      .concat(stopAtStart.filter((one) => head === one))
      .sort((a, b) => b.length - a.length)[0];
    if (met !== undefined) {
      return { text: trim(head.slice(0, end - met.length)), stop: met };
    }
  }
  return { text: trim(text), stop: undefined };
}

Deno.test("push() shows text at once when nothing can come of it", () => {
  assertEquals(filter(["He", "llo", " "], {}).shown, ["He", "llo", " ", ""]);
  assertEquals(filter(["He", "llo"], { stop: ["x"] }).shown, ["He", "llo", ""]);
});

Deno.test("push() holds back what may become a stop string", () => {
  const options = { stop: ["END"] };
  assertEquals(filter(["a E", "N", "D b"], options), {
    text: "a ",
    stop: "END",
    shown: ["a ", "", ""],
  });
  assertEquals(filter(["a E", "N", "E", "!"], options).shown, [
    "a ",
    "",
    "EN",
    "E!",
    "",
  ]);
  assertEquals(filter(["a EN"], options).text, "a EN");
});

Deno.test("push() holds back as little as it can when a stop string repeats itself", () => {
  assertEquals(filter(["aab", "aab", "aac"], { stop: ["aabaac"] }), {
    text: "aab",
    stop: "aabaac",
    shown: ["", "aab", ""],
  });
});

Deno.test("push() takes the stop string that is complete first", () => {
  assertEquals(filter(["xabcd"], { stop: ["abcd", "bc"] }).stop, "bc");
  assertEquals(filter(["x", "abc", "d"], { stop: ["abcd", "bc"] }).stop, "bc");
  assertEquals(filter(["xbc"], { stop: ["c", "bc"] }), {
    text: "x",
    stop: "bc",
    shown: ["x"],
  });
});

Deno.test("push() drops white space at the very end only", () => {
  const options = { trimEnd: true };
  assertEquals(filter(["a ", "\n", "b", "  ", "\t"], options).shown, [
    "a",
    "",
    " \nb",
    "",
    "",
    "",
  ]);
  assertEquals(filter([" ", "\u00a0"], options).text, "");
  assertEquals(
    filter(["a \n", "<|user|>"], { ...options, stop: ["<|user|>"] }).text,
    "a",
  );
});

Deno.test("push() takes a stop string that only counts at the start", () => {
  const options = { stopAtStart: ["<u>"] };
  assertEquals(filter(["<", "u", ">x"], options), {
    text: "",
    stop: "<u>",
    shown: ["", "", ""],
  });
  assertEquals(filter(["<", "b", ">", "<u>"], options).shown, [
    "",
    "<b",
    ">",
    "<u>",
    "",
  ]);
  assertEquals(filter(["<u"], options).text, "<u");
});

Deno.test("flush() gives back what was held, and starts anew", () => {
  const filter = new TextFilter({ stop: ["abc"] });
  assertEquals(filter.push("ab"), { text: "" });
  assertEquals(filter.flush(), "ab");
  assertEquals(filter.push("c"), { text: "c" });
});

Deno.test("a TextFilter shows what the definition says, however text is cut", () => {
  const random = seeded(7);
  const below = (n: number) => Math.floor(random() * n);
  const word = (alphabet: string, least: number, most: number) =>
    Array.from(
      { length: least + below(most - least + 1) },
      () => alphabet[below(alphabet.length)],
    ).join("");
  let stopped = 0;
  for (let round = 0; round < 4000; round++) {
    const alphabet = ["ab", "ab ", "abc \n", "a\ud83d\ude00"][below(4)]!;
    const text = word(alphabet, 0, 24);
    const options = {
      stop: Array.from({ length: below(4) }, () => word(alphabet, 1, 5)),
      stopAtStart: Array.from({ length: below(2) }, () => word(alphabet, 1, 5)),
      trimEnd: random() < 0.5,
    };
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
      const end = at + below(5);
      pieces.push(text.slice(at, end));
      at = end;
    }
    const { shown, ...actual } = filter(pieces, options);
    const where = JSON.stringify({ pieces, options });
    assertEquals(actual, reference(text, options), where);
    assertEquals(shown.join(""), actual.text, where);
    if (actual.stop !== undefined) stopped++;
  }
  assert(stopped > 500 && stopped < 3700, `${stopped}`);
});
