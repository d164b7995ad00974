import { assert, assertEquals, assertRejects } from "@std/assert";
import { withCache } from "../../tests/cache.ts";
import { wrongDriver } from "../../tests/devices.ts";
import { scopeTest, software } from "../../tests/kernels.ts";
import { randomMatrix, uploadMatrix } from "../../tests/weights.ts";
import { BufferPool } from "../gpu/buffers.ts";
import { F16 } from "../kernels/quant/f16.ts";
import { Q4_0 } from "../kernels/quant/q4_0.ts";
import { deviceName, readTuning, tuningPath, writeTuning } from "./cache.ts";
import { chooseProducts } from "./choose.ts";

/** What a wrong driver makes of a product. */
const WRONG_PRODUCT = ["y[i] = value;", "y[i] = 1.01 * value;"] as const;

scopeTest("chooseProducts() measures once when it is cached", async (scope) => {
  const { gpu } = scope;
  const raw = randomMatrix(Q4_0, { rows: 64, cols: 64 });
  const matrices = [
    await uploadMatrix(scope, raw),
    await uploadMatrix(scope, raw),
    await uploadMatrix(scope, randomMatrix(F16, { rows: 96, cols: 33 })),
  ];
  await withCache(async () => {
    const budgetMs = Infinity; // however busy the machine is
    const options = { tune: "cached", int8: false, budgetMs } as const;
    const first = await chooseProducts(gpu, matrices, options);
    const products = first.report.map(({ product }) => product);
    assertEquals(products, [
      "Q4_0 64x64 step f32",
      "F16 96x33 step f32",
      "Q4_0 64x64 prompt f32",
      "F16 96x33 prompt f32",
    ]);
    for (const { source, ms = NaN, untriedMs = NaN } of first.report) {
      assertEquals(source, "measured");
      assert(ms > 0 && ms <= untriedMs, `${ms} ms of ${untriedMs}`);
    }

    const again = await chooseProducts(gpu, matrices, options);
    for (const [i, { variant, source }] of again.report.entries()) {
      assertEquals(variant, first.report[i]!.variant);
      assertEquals(source, "cached");
    }
    const forced = await chooseProducts(gpu, matrices, {
      ...options,
      tune: "force",
    });
    assertEquals(forced.report.map(({ source }) => source), [
      ...products.map(() => "measured"),
    ]);
  });
});

scopeTest("chooseProducts() takes what the cache says", async (scope) => {
  const { gpu } = scope;
  const w = await uploadMatrix(
    scope,
    randomMatrix(Q4_0, { rows: 8, cols: 64 }),
  );
  await withCache(async () => {
    const device = deviceName(gpu);
    const path = (await tuningPath(device))!;
    const known = (variant: string) => ({ variant, ms: 1, untriedMs: 2 });
    await writeTuning(
      path,
      device,
      new Map([
        ["Q4_0 8x64 prompt f32", known("tile.64x32")],
        ["Q4_0 8x64 step f32", known("a variant of another version")],
      ]),
    );
    const { report, matmul } = await chooseProducts(gpu, [w], {
      tune: "cached",
      int8: false,
      budgetMs: Infinity,
    });
    const choice = (product: string) =>
      report.find((choice) => choice.product === product);
    assertEquals(choice("Q4_0 8x64 prompt f32")?.variant, "tile.64x32");
    assertEquals(choice("Q4_0 8x64 prompt f32")?.source, "cached");
    assertEquals(choice("Q4_0 8x64 step f32")?.source, "measured");
    assertEquals(matmul(w, { int8: false }).name, "tile.64x32");
    assertEquals((await readTuning(path, device)).size, 2);
  });
});

scopeTest(
  "chooseProducts() takes products untried when the time is up",
  async (scope) => {
    const w = await uploadMatrix(
      scope,
      randomMatrix(Q4_0, { rows: 8, cols: 64 }),
    );
    await withCache(async () => {
      const { report } = await chooseProducts(scope.gpu, [w], {
        tune: "cached",
        int8: false,
        budgetMs: 0,
      });
      const sources = report.map(({ source }) => source);
      assertEquals(sources.slice(1), ["untried"]);
    });
  },
);

scopeTest("chooseProducts() measures nothing when it is off", async (scope) => {
  const w = await uploadMatrix(
    scope,
    randomMatrix(Q4_0, { rows: 8, cols: 64 }),
  );
  await withCache(async () => {
    const { report } = await chooseProducts(scope.gpu, [w], {
      tune: "off",
      int8: true,
    });
    assertEquals(report.map(({ source }) => source), [
      "untried",
      "untried",
    ]);
    assertEquals(report[0]!.product, "Q4_0 8x64 step int8");
    const path = (await tuningPath(deviceName(scope.gpu)))!;
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });
});

scopeTest(
  "chooseProducts() refuses a variant that is miscomputed",
  async () => {
    const gpu = await wrongDriver("matmul.Q4_0.broadcast", WRONG_PRODUCT);
    try {
      using pool = new BufferPool(gpu.device);
      const raw = randomMatrix(Q4_0, { rows: 8, cols: 64 });
      const w = await uploadMatrix({ gpu, pool }, raw);
      const { report } = await chooseProducts(gpu, [w], {
        tune: "off",
        int8: false,
      });
      const { variant, refused } = report.at(-1)!;
      assertEquals(variant, "tile.64x32");
      assertEquals(refused.map(({ kernel }) => kernel), [
        "matmul.Q4_0 (broadcast)",
      ]);
      assert(refused[0]!.error > 1e-5);
    } finally {
      gpu.device.destroy();
    }
  },
  software?.subgroupSize ? software : null,
);

scopeTest(
  "chooseProducts() fails when every variant is miscomputed",
  async () => {
    const gpu = await wrongDriver("matvec", WRONG_PRODUCT);
    try {
      using pool = new BufferPool(gpu.device);
      const raw = randomMatrix(Q4_0, { rows: 8, cols: 64 });
      const w = await uploadMatrix({ gpu, pool }, raw);
      await assertRejects(
        () => chooseProducts(gpu, [w], { tune: "off", int8: false }),
        Error,
        "Cannot run Q4_0 8x64 step f32 products on",
      );
    } finally {
      gpu.device.destroy();
    }
  },
);
