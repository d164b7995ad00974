import { assertEquals, assertRejects } from "@std/assert";
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

scopeTest("checkFixed() fails when RMSNorm is miscomputed", async () => {
  const gpu = await wrongDriver("rms_norm", [
    "inverseSqrt(",
    "1.01 * inverseSqrt(",
  ]);
  try {
    await assertRejects(
      () => checkFixed(gpu, Q4_0),
      Error,
      "Cannot run a model on",
    );
  } finally {
    gpu.device.destroy();
  }
});
