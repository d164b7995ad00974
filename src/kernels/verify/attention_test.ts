import { assert } from "@std/assert";
import { wrongDriver } from "../../../tests/devices.ts";
import { scopeTest } from "../../../tests/kernels.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { type AttentionTestOptions, attentionTests } from "./attention.ts";
import { checkKernel } from "./variants.ts";

/** The names of the tests that fail, of those whose names begin like that. */
async function failing(
  gpu: Gpu,
  options: AttentionTestOptions = {},
  like = "",
): Promise<string[]> {
  const names: string[] = [];
  const tests = attentionTests(gpu, { kvTypes: ["f16"], ...options })
    .filter(({ name }) => name.startsWith(like));
  for (const { name, run, limit } of tests) {
    const { ok } = await checkKernel(gpu, name, { test: run, limit });
    if (!ok) names.push(name);
  }
  return names;
}

scopeTest("attentionTests() pass when the driver is right", async ({ gpu }) => {
  const names = await failing(gpu);
  assert(names.length === 0, names.join());
});

/** What a driver may make of attention: rarely met parts of it are lost. */
const MUTANTS: [what: string, test: string, [right: string, wrong: string]][] =
  [
    [
      "the sum of one part is not divided by",
      "attention_step.",
      ["value / state.sum", "value"],
    ],
    [
      "parts behind the second are dropped",
      "attention_step.",
      ["part < parts;", "part < min(parts, 2u);"],
    ],
    [
      "a part begins at the wrong key",
      "attention_step.",
      ["vec2u(first, first +", "vec2u(first + 1u, first +"],
    ],
    [
      "rows that run together are taken for the first",
      "attention_step.",
      ["batch.first + workgroup.z", "batch.first + min(workgroup.z, 0u)"],
    ],
    [
      "a part of a batch reads the first rows",
      "attention_step.",
      ["batch.first + workgroup.z", "workgroup.z"],
    ],
    [
      "a part's rows have the positions of other rows",
      "attention_step.",
      ["(row - batch.first)", "row"],
    ],
    [
      "a branch reads the keys of another one",
      "attention.",
      ["key + select(0u, gap, key >= batch.fork)", "key"],
    ],
    [
      "a branch's rows see those before it",
      "attention.",
      ["gap0 == branch.x || first < fork", "true"],
    ],
    [
      "only the first branch is met",
      "attention.",
      ["branch.y <= last_row", "false"],
    ],
    [
      "a branch goes on from the wrong key",
      "attention.",
      ["first = fork -", "first = first_key -"],
    ],
    [
      "the weights of a batch are not divided by",
      "attention.",
      ["value / state.sum", "value"],
    ],
  ];

/** The same, of attention over a window. */
const WINDOW_MUTANTS: typeof MUTANTS = [
  [
    "a window is one key too wide for a batch",
    "attention.",
    ["u < window", "u <= window"],
  ],
  [
    "the first key of a window is left out",
    "attention_step.",
    ["params.window - 1u", "params.window - 2u"],
  ],
];

const HEADS = { heads: 4, kvHeads: 2, headDim: 64 };
const WINDOW = { heads: { ...HEADS, window: 150 } };

scopeTest(
  "attentionTests() pass over a window when the driver is right",
  async ({ gpu }) => {
    for (const window of [1, 45, 150, 4096]) {
      const names = await failing(gpu, { heads: { ...HEADS, window } });
      assert(names.length === 0, names.join());
    }
  },
);

for (
  const [what, test, replacement, options] of [
    ...MUTANTS.map((mutant) => [...mutant, {}] as const),
    ...WINDOW_MUTANTS.map((mutant) => [...mutant, WINDOW] as const),
  ]
) {
  scopeTest(`attentionTests() find out that ${what}`, async () => {
    const gpu = await wrongDriver("attention", replacement, { others: true });
    try {
      const names = await failing(gpu, options, test);
      assert(names.length > 0, names.join());
    } finally {
      gpu.device.destroy();
    }
  });
}
