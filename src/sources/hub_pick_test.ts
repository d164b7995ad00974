import { assertEquals, assertThrows } from "@std/assert";
import { parseHubName } from "./hub_name.ts";
import { pickFile } from "./hub_pick.ts";

const REPO = [
  ".gitattributes",
  "README.md",
  "m-IQ4_XS.gguf",
  "m-Q4_K_M.gguf",
  "m-Q4_K_S.gguf",
  "m-bf16-00001-of-00002.gguf",
  "m-bf16-00002-of-00002.gguf",
  "mmproj-m-f16.gguf",
  "m.imatrix.gguf",
  "Q8_0/m-Q8_0-00001-of-00002.gguf",
  "Q8_0/m-Q8_0-00002-of-00002.gguf",
];

const pick = (text: string, paths = REPO) =>
  pickFile(parseHubName(text)!, paths);

for (
  const [text, wanted] of [
    ["hf:o/r", "m-Q4_K_M.gguf"],
    ["hf:o/r:q4_k_s", "m-Q4_K_S.gguf"],
    ["hf:o/r:IQ4_XS", "m-IQ4_XS.gguf"],
    ["hf:o/r:BF16", "m-bf16-00001-of-00002.gguf"],
    ["hf:o/r:Q8_0", "Q8_0/m-Q8_0-00001-of-00002.gguf"],
    ["hf:o/r/Q8_0", "Q8_0/m-Q8_0-00001-of-00002.gguf"],
    ["hf:o/r/mmproj-m-f16.gguf", "mmproj-m-f16.gguf"],
    ["hf:o/r/Q8_0/m-Q8_0-00002-of-00002.gguf", REPO.at(-1)],
  ] as const
) {
  Deno.test(`pickFile() takes ${wanted} for "${text}"`, () => {
    assertEquals(pick(text), wanted);
  });
}

Deno.test("pickFile() takes the first of the default order, or the only file", () => {
  assertEquals(
    pick("hf:o/r", ["a-Q8_0.gguf", "a-Q5_K_M.gguf"]),
    "a-Q5_K_M.gguf",
  );
  assertEquals(pick("hf:o/r", ["a.gguf", "x.md"]), "a.gguf");
});

for (
  const [text, paths, message] of [
    [
      "hf:o/r:Q4_K",
      REPO,
      'Cannot download "hf:o/r:Q4_K": it has no file of Q4_K, only m-IQ4_XS.gguf',
    ],
    [
      "hf:o/r:Q4_0",
      ["a-Q4_0.gguf", "b-Q4_0.gguf", "c-IQ4_0.gguf"],
      "it has 2 files of Q4_0, name one: a-Q4_0.gguf, b-Q4_0.gguf",
    ],
    [
      "hf:o/r",
      ["a.gguf", "b.gguf"],
      "it has 2 files, name one: a.gguf, b.gguf",
    ],
    [
      "hf:o/r",
      ["a-Q4_K_M.gguf", "b-Q4_K_M.gguf", "a-Q8_0.gguf"],
      "it has 3 files, name one",
    ],
    [
      "hf:o/r/m-Q4_K_N.gguf",
      REPO,
      'it has no file "m-Q4_K_N.gguf" (did you mean "m-Q4_K_M.gguf"?), only',
    ],
    ["hf:o/r", ["README.md"], "it has no GGUF file, only README.md"],
    ["hf:o/r", [], "it has no files"],
    [
      "hf:o/r",
      ["model.safetensors"],
      "it has no GGUF file, it is a checkpoint for seraph convert",
    ],
    [
      "hf:o/r",
      Array.from({ length: 100 }, (_, i) => `m${i}.gguf`),
      "m29.gguf and 70 more",
    ],
  ] as [string, string[], string][]
) {
  Deno.test(`pickFile() says "${message.slice(0, 50)}" for "${text}"`, () => {
    assertThrows(() => pick(text, paths), Error, message);
  });
}
