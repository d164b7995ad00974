import { assertEquals, assertRejects } from "@std/assert";
import { wrongDriver } from "../../tests/devices.ts";
import { scopeTest, software } from "../../tests/kernels.ts";
import { randomMatrix, uploadMatrix } from "../../tests/weights.ts";
import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { defaultChoices } from "../kernels/choices.ts";
import { Q4_0 } from "../kernels/quant/q4_0.ts";
import { checkSteps } from "./steps.ts";

async function check(gpu: Gpu): Promise<void> {
  using pool = new BufferPool(gpu.device);
  const raw = randomMatrix(Q4_0, { rows: 8, cols: 64 });
  const w = await uploadMatrix({ gpu, pool }, raw);
  const choices = defaultChoices(gpu);
  await checkSteps(gpu, [w], { choices, int8: false });
}

scopeTest(
  "checkSteps() accepts products when rows come out as alone",
  ({ gpu }) => check(gpu),
);

// Less than what the reference would tell.
const [RIGHT, WRONG] = ["y[i] = value;", "y[i] = value * 1.0000001;"] as const;

scopeTest(
  "checkSteps() refuses a product by name when one bit of a row differs",
  async () => {
    const gpu = await wrongDriver("matvec_steps4", [RIGHT, WRONG]);
    try {
      const { message } = await assertRejects(() => check(gpu), Error);
      assertEquals(message.includes("Cannot run guesses of Q4_0 8x64"), true);
      assertEquals(
        message.match(/matvec\w*\.Q4_0 \([^)]+\)/g),
        [
          "matvec_steps.Q4_0 (4r.broadcast)",
          "matvec_norm_steps.Q4_0 (4r.broadcast)",
        ],
      );
    } finally {
      gpu.device.destroy();
    }
  },
  software?.subgroupSize ? software : null,
);
