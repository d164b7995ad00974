import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { wrongDriver } from "../../../tests/devices.ts";
import { scopeTest } from "../../../tests/kernels.ts";
import { MAX_STEPS } from "../batch.ts";
import { Q4_0 } from "../quant/q4_0.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import { checkVariant } from "./variants.ts";

const VECTOR: MatvecVariant = {
  name: "4r.4u.64w",
  rows: 4,
  unroll: 4,
  workgroup: 64,
  lanes: 32,
  subgroups: false,
  broadcast: false,
};
const TILE: MatmulVariant = { name: "tile", kind: "tile", tx: 16, ty: 16 };

for (const variant of [VECTOR, TILE]) {
  for (const int8 of [false, true]) {
    scopeTest(
      `checkVariant() accepts ${variant.name} when int8 is ${int8}`,
      async ({ gpu }) => {
        const steps = 3;
        const checks = await checkVariant(gpu, Q4_0, { variant, int8, steps });
        for (const { kernel, ok } of checks) assert(ok, kernel);
      },
    );
  }
}

/** What a driver may make of a kernel: rarely met parts of it are lost. */
const MUTANTS: [string, MatvecVariant | MatmulVariant, [string, string]][] = [
  ["the loop ends early", VECTOR, ["LANES * UNROLL", "1000000u"]],
  [
    "the last of the unrolled steps is lost",
    VECTOR,
    ["s = meet_block(s, block + 3u * LANES, starts, index);", ""],
  ],
  ["the last row is lost", VECTOR, ["write(m, row + 3u, sums.w);", ""]],
  ["a sum overwrites", VECTOR, ["y[i] += value;", "y[i] = value;"]],
  [
    "the rest of the blocks is met twice",
    VECTOR,
    ["select(sums.rows, rows, valid)", "rows"],
  ],
  ["batch rows are mixed up", TILE, [
    "x_tile[x0 + 27u * TY]",
    "x_tile[x0 + 18u * TY]",
  ]],
  ["a second tile has the first one's rows", TILE, ["workgroup.z * 4u", "0u"]],
  ["the last batch rows are lost", TILE, [
    "sums.sum3a, sums.sum3b",
    "sums.sum2a, sums.sum2b",
  ]],
  ["a sum overwrites", TILE, ["y[i] += value;", "y[i] = value;"]],
];

for (const [what, variant, replacement] of MUTANTS) {
  scopeTest(
    `checkVariant() finds out that ${what} in ${variant.name}`,
    async () => {
      const label = "kind" in variant ? "matmul" : "matvec";
      const gpu = await wrongDriver(label, replacement, { others: true });
      try {
        const checks = await checkVariant(gpu, Q4_0, { variant, int8: false });
        assertEquals(checks.some(({ ok }) => !ok), true);
      } finally {
        gpu.device.destroy();
      }
    },
  );
}

/** The same, in what several rows run through together. */
const STEP_MUTANTS: [string, [string, string]][] = [
  ["a row has another one's input", [
    "meet_step(s.sum5, 5u,",
    "meet_step(s.sum5, 4u,",
  ]],
  ["a row of several is lost", ["write_step(run, 3u, s.sum3, index);", ""]],
  ["rows past the end are written", ["m < batch.rows", "true"]],
  ["rows are written to the same place", ["m * params.y_stride", "0u"]],
  [
    "sums are added in another order",
    ["(v.x + v.y) + (v.z + v.w)", "((v.x + v.y) + v.z) + v.w"],
  ],
];

for (const [what, replacement] of STEP_MUTANTS) {
  scopeTest(
    `checkVariant() finds out that ${what} when there are steps`,
    async () => {
      const gpu = await wrongDriver("_steps8", replacement);
      try {
        const checks = await checkVariant(gpu, Q4_0, {
          variant: VECTOR,
          int8: false,
          plain: true,
          steps: MAX_STEPS,
        });
        const wrong = checks.filter(({ ok }) => !ok);
        assertEquals(wrong.map(({ kernel }) => kernel), [
          "matvec_steps.Q4_0 (4r.4u.64w)",
        ]);
      } finally {
        gpu.device.destroy();
      }
    },
  );
}

scopeTest("checkVariant() says why a kernel cannot be compiled", async () => {
  const gpu = await wrongDriver("matmul", ["fn write(", "fn write(("]);
  try {
    const [check] = await checkVariant(gpu, Q4_0, {
      variant: TILE,
      int8: false,
    });
    assertEquals(check!.ok, false);
    assertStringIncludes(check!.problem!, "Cannot compile kernel");
  } finally {
    gpu.device.destroy();
  }
});
