import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { logSumExp } from "../generate/logits.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import {
  download,
  poisoned,
  randomFloats,
  run,
  upload,
} from "../../tests/gpu.ts";
import { kernelTest, narrowTest } from "../../tests/kernels.ts";
import {
  createLogprob,
  jobWords,
  type Logprob,
  type LogprobJob,
  readLogprobs,
} from "./logprob.ts";

interface Case {
  /** `[rows, stride]` */
  logits: Float32Array<ArrayBuffer>;
  stride: number;
  /** Defaults to `stride`. */
  tokens?: number;
  jobs: readonly LogprobJob[];
  /** Jobs before those that are run. Defaults to 0. */
  first?: number;
}

/** The bytes that the kernel leaves, NaN where it writes nothing. */
async function results(
  scope: KernelScope,
  { logits, stride, tokens = stride, jobs, first = 0 }: Case,
): Promise<ArrayBuffer> {
  const { gpu, pool } = scope;
  const output = poisoned(gpu, 4 * (first + jobs.length) + 16);
  const kernel = await createLogprob(scope, { stride, tokens });
  const others = Array.from({ length: first }, () => ({ row: 0, id: 0 }));
  const bound = kernel.bind({
    logits: upload(gpu, logits),
    jobs: upload(gpu, jobWords([...others, ...jobs])),
    results: output,
    range: pool.uniform([first, jobs.length]),
  });
  run(gpu, (pass) => bound(pass, jobs.length));
  const floats = await download(gpu, output);
  const end = 4 * (first + jobs.length);
  const written = floats.subarray(4 * first, end);
  for (const rest of [floats.subarray(0, 4 * first), floats.subarray(end)]) {
    assert(rest.every(Number.isNaN), "what was not to be written");
  }
  return written.slice().buffer;
}

/** What f64 says. */
function expected({ logits, stride, tokens = stride, jobs }: Case): Logprob[] {
  return jobs.map(({ row, id }) => {
    const own = logits.subarray(row * stride, (row + 1) * stride);
    const rank = own.subarray(0, tokens).reduce(
      (sum, logit, i) =>
        sum + Number(logit > own[id]! || (logit === own[id] && i < id)),
      0,
    );
    return { logprob: own[id]! - logSumExp(own), rank };
  });
}

async function check(scope: KernelScope, options: Case, limit = 2e-6) {
  const actual = readLogprobs(await results(scope, options));
  const wanted = expected(options);
  assertEquals(actual.length, wanted.length);
  for (const [i, { logprob, rank }] of wanted.entries()) {
    const error = limit * Math.max(1, Math.abs(logprob));
    assertAlmostEquals(actual[i]!.logprob, logprob, error, `job ${i}`);
    assertEquals(actual[i]!.rank, rank, `job ${i}`);
  }
}

const scaled = (length: number, seed: number, by: number) =>
  randomFloats(length, seed).map((value) => value * by);

// Lanes are 8 or 256, and take 8 logits before they go round.
for (
  const stride of [1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 2047, 2048, 2049]
) {
  kernelTest(
    `logprob matches f64 when there are ${stride} logits`,
    (scope) =>
      check(scope, {
        logits: scaled(3 * stride, stride, 9),
        stride,
        jobs: [0, 1, 2].flatMap((row) => [
          { row, id: 0 },
          { row, id: stride - 1 },
          { row, id: stride >> 1 },
        ]),
      }),
  );
}

kernelTest(
  "logprob matches f64 when there are 32002 logits",
  (scope) =>
    check(scope, {
      logits: scaled(4 * 32002, 5, 12),
      stride: 32002,
      jobs: Array.from(
        { length: 40 },
        (_, i) => ({ row: i % 4, id: i * 7919 % 32002 }),
      ),
      first: 3,
    }),
);

kernelTest(
  "logprob counts all rows, and ranks tokens",
  (scope) =>
    check(scope, {
      logits: scaled(2 * 300, 3, 4),
      stride: 300,
      tokens: 290,
      jobs: [{ row: 0, id: 7 }, { row: 1, id: 289 }, { row: 1, id: 0 }],
    }),
);

kernelTest("logprob ranks equals by their ids, and 0 as -0", async (scope) => {
  const logits = new Float32Array(100).map((_, i) => i % 2 ? 0 : -0);
  logits[40] = 1;
  const jobs = [0, 1, 39, 40, 41, 99].map((id) => ({ row: 0, id }));
  const options = { logits, stride: 100, jobs };
  await check(scope, options);
  assertEquals(
    readLogprobs(await results(scope, options)).map(({ rank }) => rank),
    [1, 2, 40, 0, 41, 99],
  );
});

for (
  const [what, offset, by] of [
    ["lie thousands apart", 0, 2000],
    ["are large", 30000, 5],
    ["are far below zero", -30000, 5],
    ["are almost equal", 7, 1e-3],
  ] as const
) {
  kernelTest(`logprob matches f64 when logits ${what}`, (scope) => {
    const logits = scaled(2 * 1000, 9, by).map((value) => value + offset);
    const jobs = [3, 500, 999].map((id) => ({ row: 1, id }));
    return check(scope, { logits, stride: 1000, jobs });
  });
}

for (const place of [0, 5, 77, 299]) {
  for (const value of [NaN, Infinity]) {
    kernelTest(`readLogprobs() refuses ${value} at ${place}`, async (scope) => {
      const logits = scaled(300, 2, 3);
      logits[place] = value;
      const jobs = [{ row: 0, id: 5 }];
      const bytes = await results(scope, { logits, stride: 300, jobs });
      assertThrows(() => readLogprobs(bytes), Error, "computed NaN");
    });
  }
}

narrowTest("logprob matches f64", (scope) =>
  check(scope, {
    logits: scaled(2 * 50, 4, 3),
    stride: 50,
    jobs: Array.from({ length: 70 }, (_, i) => ({ row: i % 2, id: i % 50 })),
  }));
