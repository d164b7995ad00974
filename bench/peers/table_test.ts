import { assert, assertEquals } from "@std/assert";
import { type Comparison, formatComparison, median } from "./table.ts";

const TESTS = [
  { nPrompt: 64, nGen: 0 },
  { nPrompt: 512, nGen: 0 },
  { nPrompt: 0, nGen: 32 },
  { nPrompt: 0, nGen: 128 },
];

const COMPARISON: Comparison = {
  model: "models/tiny.gguf",
  engines: [
    {
      engine: "Seraph",
      device: "a GPU",
      samplesTs: { pp64: [30_000, 10_000, 20_000], tg32: [10, 30], tg128: [9] },
    },
    {
      engine: "llama.cpp Vulkan, unfused",
      device: "a GPU",
      samplesTs: { pp64: [4000], pp512: [5], tg32: [40] },
      error: "it ended",
    },
  ],
  absent: ["llama.cpp CUDA is left out: there is no CUDA"],
  sameDevice: true,
};

Deno.test("formatComparison() divides Seraph's medians by each peer's", () => {
  assertEquals(formatComparison(COMPARISON, TESTS).split("\n"), [
    "## models/tiny.gguf",
    "",
    "- Seraph: a GPU",
    "- llama.cpp Vulkan, unfused: a GPU; failed: it ended",
    "- llama.cpp CUDA is left out: there is no CUDA",
    "",
    "| tokens/s                  |    pp64 | pp512 | tg32 | tg128 |",
    "| ------------------------- | ------: | ----: | ---: | ----: |",
    "| Seraph                    | 20000.0 |     - | 20.0 |   9.0 |",
    "| llama.cpp Vulkan, unfused |  4000.0 |   5.0 | 40.0 |     - |",
    "| Seraph / Vulkan, unfused  |    5.00 |     - | 0.50 |     - |",
  ]);
});

Deno.test("formatComparison() fits into 80 columns", () => {
  const fast = { pp64: [99999], pp512: [99999], tg32: [9999], tg128: [9999] };
  const engines = COMPARISON.engines.map((engine) => ({
    ...engine,
    samplesTs: fast,
  }));
  const text = formatComparison({ ...COMPARISON, engines }, TESTS);
  for (const line of text.split("\n")) assert(line.length <= 80, line);
});

Deno.test("formatComparison() says where devices differ", () => {
  const text = formatComparison({ ...COMPARISON, sameDevice: false }, TESTS);
  assert(text.includes("not the same device: the ratios say nothing"));
});

Deno.test("median() is the middle, or between the two in the middle", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 3, 2]), 2.5);
});
