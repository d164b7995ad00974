import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { wrongDriver } from "../../tests/devices.ts";
import { scopeTest } from "../../tests/kernels.ts";
import { attentionVariants } from "../kernels/attention_variants.ts";
import { Q4_0 } from "../kernels/quant/q4_0.ts";
import { chooseAttention } from "./choose_attention.ts";
import { checkFixed } from "./fixed.ts";

/** What a wrong driver makes of the softmax. */
const WRONG_EXP = ["exp(", "exp(0.9 * "] as const;

const SHAPE = { heads: 4, kvHeads: 2, headDim: 64, kv: "f16" } as const;

scopeTest(
  "chooseAttention() takes what the device prefers",
  async ({ gpu }) => {
    const { attention, report } = await chooseAttention(gpu, SHAPE);
    assertEquals(attention, attentionVariants(gpu, 64)[0]);
    assertEquals(report.map(({ product }) => product), [
      "attention 4/2x64 f16",
      "attention_step 4/2x64 f16",
    ]);
    for (const { refused } of report) assertEquals(refused, []);
  },
);

scopeTest(
  "chooseAttention() refuses a variant that is miscomputed",
  async (scope) => {
    const [preferred, next] = attentionVariants(scope.gpu, 64);
    const gpu = await wrongDriver(`attention.${preferred}.`, WRONG_EXP);
    try {
      const { attention, report } = await chooseAttention(gpu, SHAPE);
      const [{ refused } = { refused: [] }] = report;
      assertEquals(attention, next);
      assertEquals(refused.length, 1);
    } finally {
      gpu.device.destroy();
    }
  },
);

scopeTest(
  "chooseAttention() tries a window when the model has one",
  async (scope) => {
    const [preferred] = attentionVariants(scope.gpu, 64);
    const gpu = await wrongDriver(`attention.${preferred}.`, [
      "select(0u, window,",
      "select(0u, window + 1u,",
    ]);
    try {
      const all = await chooseAttention(gpu, SHAPE);
      assertEquals(all.attention, preferred);
      const some = await chooseAttention(gpu, { ...SHAPE, slidingWindow: 999 });
      assertNotEquals(some.attention, preferred);
    } finally {
      gpu.device.destroy();
    }
  },
);

scopeTest(
  "chooseAttention() fails when every variant is miscomputed",
  async () => {
    const gpu = await wrongDriver("attention", WRONG_EXP);
    try {
      await assertRejects(
        () => chooseAttention(gpu, SHAPE),
        Error,
        "Cannot run attention 4/2x64 f16 on",
      );
    } finally {
      gpu.device.destroy();
    }
  },
);

scopeTest("checkFixed() accepts a driver that is right", async ({ gpu }) => {
  await checkFixed(gpu, Q4_0);
});

/** What a driver may make of kernels that come in one variant. */
const MUTANTS: [kernel: string, change: [string, string]][] = [
  ["rms_norm", ["inverseSqrt(", "1.01 * inverseSqrt("]],
  ["argmax", ["consider(first, i + 5u * WORKGROUP_SIZE);", ""]],
  ["argmax", ["stride = WORKGROUP_SIZE / 2u", "stride = WORKGROUP_SIZE / 4u"]],
  ["argmax", ["control[ROW] * params.stride", "0u"]],
  ["argmax", ["control[CHOSEN] += 1u;", ""]],
  ["sample", ["a0 * b1", "a0 * b0"]],
  ["sample", ["stride = WORKGROUP_SIZE / 2u", "stride = WORKGROUP_SIZE / 4u"]],
  ["sample", ["atomicAdd(&bins_low[bin], 1u);", ""]],
  ["sample", ["atomicAdd(&bins_high[bin], weight >> 13u);", ""]],
  ["sample", ["counts[recent[slot]] -= 1u;", ""]],
  ["sample", ["counts[id] += 1u;", ""]],
  ["sample", ["rounded - fines[count]", "rounded"]],
  ["sample", ["round < 10u", "round < 9u"]],
  ["sample", ["best_logit + params.least", "-3e38 + params.least"]],
  ["sample", ["scale = params.scale;", ""]],
];

for (const [kernel, change] of MUTANTS) {
  scopeTest(
    `checkFixed() fails when ${kernel} loses "${change[0]}"`,
    async () => {
      const gpu = await wrongDriver(kernel, change);
      try {
        await assertRejects(
          () => checkFixed(gpu, Q4_0),
          Error,
          "Cannot run a model on",
        );
      } finally {
        gpu.device.destroy();
      }
    },
  );
}
