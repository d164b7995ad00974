import { assertEquals, assertLess } from "@std/assert";
import type { MatmulVariant, MatvecVariant } from "../kernels/variants.ts";
import { search } from "./candidates.ts";

/** All matrix-vector variants of three workgroups. */
const VARIANTS: readonly MatvecVariant[] = [4, 2, 1].flatMap((rows) =>
  [1, 2, 4].flatMap((unroll) =>
    [64, 128, 256].map((workgroup) => ({
      name: `${rows}r.${unroll}u.${workgroup}w`,
      rows,
      unroll,
      workgroup,
      lanes: 32,
      subgroups: true,
      broadcast: false,
    }))
  )
);

Deno.test("search() finds the fastest when each dimension counts", async () => {
  const { best, times } = await search(
    VARIANTS,
    ({ rows, unroll, workgroup }) =>
      Promise.resolve(
        Math.abs(rows - 2) + Math.abs(unroll - 4) + workgroup / 64,
      ),
  );
  assertEquals(best.name, "2r.4u.64w");
  assertLess(times.size, 10); // of 27
});

Deno.test("search() stays with the first when others are hardly faster", async () => {
  const { best } = await search(
    VARIANTS,
    ({ name }) => Promise.resolve(name === VARIANTS[0]!.name ? 1 : 0.98),
  );
  assertEquals(best, VARIANTS[0]);
});

Deno.test("search() tries every variant when they are of different kinds", async () => {
  const variants: MatmulVariant[] = [
    { name: "broadcast", kind: "broadcast" },
    { name: "tile.64x32", kind: "tile", tx: 8, ty: 8 },
    { name: "tile.128x64", kind: "tile", tx: 16, ty: 16 },
  ];
  const ms: Record<string, number> = { broadcast: 3, "tile.64x32": 2 };
  const { best, times } = await search(
    variants,
    ({ name }) => Promise.resolve(ms[name] ?? 1),
  );
  assertEquals([best.name, times.size], ["tile.128x64", 3]);
});

Deno.test("search() passes over variants that cannot be run", async () => {
  const { best } = await search(
    VARIANTS,
    ({ rows }) => Promise.resolve(rows === 4 ? Infinity : rows),
  );
  assertEquals(best.rows, 1);
});
