import { assertEquals } from "@std/assert";
import { download, run, upload } from "../../../tests/gpu.ts";
import { scopeTest } from "../../../tests/kernels.ts";
import {
  bindBuffers,
  compileKernel,
  type KernelScope,
} from "../../gpu/kernel.ts";
import { toHalf } from "../../quantize/rounding.ts";
import exact from "./exact.wgsl" with { type: "text" };

const COUNT = 2 ** 16;

/** Runs an expression of `a` and `b`; the bits of what it gives for each pair. */
async function evaluate(
  { gpu, pool }: KernelScope,
  expression: string,
  pairs: Float32Array<ArrayBuffer>,
): Promise<Uint32Array> {
  const pipeline = await compileKernel(gpu, {
    label: `exact ${expression}`,
    code: [
      exact,
      `@group(0) @binding(1) var<storage, read> pairs: array<vec2f>;
      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x >= params.blocks) { return; }
        let a = pairs[id.x].x;
        let b = pairs[id.x].y;
        let result = ${expression};
        packed[id.x] = select(result, 0xdeadu, unsure);
      }`,
    ],
  });
  const output = pool.create({ label: "output", size: 4 * COUNT });
  const group = bindBuffers(gpu.device, pipeline, [
    pool.uniform([COUNT, 0, 0]),
    upload(gpu, pairs),
    output,
  ]);
  run(gpu, (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(COUNT / 64);
  });
  return new Uint32Array((await download(gpu, output)).buffer);
}

/** Numbers of any size within the exponents, and some that are near ties. */
function randomPairs(least: number, most: number): Float32Array<ArrayBuffer> {
  let state = 12345;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const bits = Uint32Array.from({ length: 2 * COUNT }, (_, i) => {
    const exponent = 127 + least + random() % (most - least);
    const fraction = random() & 0x7fffff;
    // Few bits, and nearly all of them, make quotients and sums that tie.
    const kind = (i >> 1) % 4;
    const part = kind === 0
      ? fraction & 0x7f0000
      : kind === 1
      ? fraction | 0x7fffe0
      : fraction;
    return (random() & 0x80000000 | exponent << 23 | part) >>> 0;
  });
  return new Float32Array(bits.buffer);
}

/** The bits of each result of `reference`, rounded to 32 bits. */
function bitsOf(
  pairs: Float32Array,
  reference: (a: number, b: number) => number,
): Uint32Array {
  const results = Float32Array.from(
    { length: COUNT },
    (_, i) => reference(pairs[2 * i]!, pairs[2 * i + 1]!),
  );
  return new Uint32Array(results.buffer);
}

const { abs, fround, sqrt } = Math;

/** Asserts that results are as wanted, by the first that is not. */
function assertBits(
  actual: Uint32Array,
  wanted: Uint32Array,
  pairs: Float32Array,
): void {
  const i = wanted.findIndex((bits, i) => actual[i] !== bits);
  if (i < 0) return;
  const [a, b] = pairs.subarray(2 * i, 2 * i + 2);
  assertEquals(actual[i], wanted[i], `result ${i}, of ${a} and ${b}`);
}

const operations: [string, string, (a: number, b: number) => number][] = [
  ["div()", "bitcast<u32>(div(a, b))", (a, b) => a / b],
  ["root()", "bitcast<u32>(root(abs(a)))", (a) => sqrt(abs(a))],
  ["mul()", "bitcast<u32>(mul(a, b))", (a, b) => a * b],
  [
    "add() of mul()",
    "bitcast<u32>(add(mul(a, b), -a))",
    (a, b) => fround(a * b) - a,
  ],
  [
    "add() in order",
    "bitcast<u32>(add(add(a, b), -a))",
    (a, b) => fround(a + b) - a,
  ],
];
for (const [name, expression, reference] of operations) {
  scopeTest(`${name} of exact.wgsl is right to the last bit`, async (scope) => {
    const pairs = randomPairs(-20, 20);
    const actual = await evaluate(scope, expression, pairs);
    assertBits(actual, bitsOf(pairs, reference), pairs);
  });
}

scopeTest("to_half() of exact.wgsl rounds halves to even", async (scope) => {
  const pairs = randomPairs(-30, 18);
  const actual = await evaluate(scope, "to_half(a)", pairs);
  const wanted = actual.map((_, i) => toHalf(pairs[2 * i]!));
  assertBits(actual, wanted, pairs);
});

scopeTest("div() of exact.wgsl is unsure beyond the range", async (scope) => {
  const pairs = new Float32Array(2 * COUNT);
  const cases = [[1, 0], [1, 1e-40], [1e38, 1e-10], [1e-30, 1e30], [1e-40, 2]];
  cases.push([NaN, 1], [1, Infinity], [Infinity, 3]);
  pairs.set(cases.flat());
  const actual = await evaluate(scope, "bitcast<u32>(div(a, b))", pairs);
  const wanted = new Uint32Array(cases.length).fill(0xdead);
  assertBits(actual, wanted, pairs);
});
