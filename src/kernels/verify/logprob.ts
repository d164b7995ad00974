import type { KernelScope } from "../../gpu/kernel.ts";
import {
  createLogprob,
  jobWords,
  readLogprobs,
  RESULT_BYTES,
} from "../logprob.ts";
import { output, randomFloats, read, upload } from "./inputs.ts";

/** Rows of logits, and logits of each: more than it takes to go round. */
const ROWS = 3;
const STRIDE = 8302;
/** Those that have a rank. */
const TOKENS = 8300;
/** Jobs before those that are run, and those. */
const FIRST = 2;
const JOBS = 12;

/** Most error of a log-probability; drivers that work stay below 1e-6. */
const LIMIT = 1e-5;

/**
 * Log-probabilities and ranks of tokens. Returns how many are wrong.
 *
 * @param scope The device and the owner of the buffers.
 */
export async function testLogprob(scope: KernelScope): Promise<number> {
  const { pool } = scope;
  const logits = randomFloats(ROWS * STRIDE, 11).map((value) => 8 * value);
  const jobs = Array.from({ length: FIRST + JOBS }, (_, i) => ({
    row: i % ROWS,
    id: i * 2111 % TOKENS,
  }));
  // Ids are what tells equals apart.
  for (const { row, id } of jobs) {
    logits[row * STRIDE + (id + 4001) % TOKENS] = logits[row * STRIDE + id]!;
  }
  const results = output(scope, RESULT_BYTES / 4 * jobs.length);
  const kernel = await createLogprob(scope, { stride: STRIDE, tokens: TOKENS });
  const ask = kernel.bind({
    logits: upload(scope, logits),
    jobs: upload(scope, jobWords(jobs)),
    results,
    range: pool.uniform([FIRST, JOBS]),
  });
  const bytes = await read(scope, (pass) => ask(pass, JOBS), results);
  const start = RESULT_BYTES * FIRST;
  const actual = readLogprobs(bytes.slice(start, start + RESULT_BYTES * JOBS));
  return actual.filter(({ logprob, rank }, i) => {
    const { row, id } = jobs[FIRST + i]!;
    const own = logits.subarray(row * STRIDE, (row + 1) * STRIDE);
    const expected = expectedOf(own, id);
    const error = Math.abs(logprob - expected.logprob);
    return !(error <= LIMIT) || rank !== expected.rank;
  }).length;
}

function expectedOf(logits: Float32Array, id: number) {
  const own = logits[id]!;
  const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const rank =
    logits.subarray(0, TOKENS).filter((logit, i) =>
      logit > own || (logit === own && i < id)
    ).length;
  return { logprob: own - Math.log(sum), rank };
}
