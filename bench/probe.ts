/**
 * What a device can do, apart from any model and any kernel of Seraph: streaming
 * reads, arithmetic, and the cost of a dispatch and of a read-back.
 *
 *     deno run -A bench/probe.ts [--json] [--small]
 *
 * `--small` takes sizes that a software driver gets through.
 *
 * @module
 */

import { measureCeilings, openTimer } from "../src/bench/ceilings.ts";
import { summarize } from "../src/bench/statistics.ts";
import {
  createSubmitTimer,
  type Recorder,
  type TimingMethod,
} from "../src/bench/timer.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { bindBuffers, compileKernel } from "../src/gpu/kernel.ts";

/** What was measured, as `--json` prints it. */
export interface Probe {
  /** The driver's description of the device. */
  device: string;
  /** How the three rates were taken; the costs are by the wall clock. */
  timing: TimingMethod;
  /** 10^9 bytes a second of 16-byte reads. */
  streamGBs: number;
  /** 10^9 operations a second of f32 multiply-adds. */
  fmaGFlops: number;
  /** 10^9 operations a second of `dot4I8Packed`. */
  dot4GFlops: number;
  /** Microseconds of a submit with one tiny dispatch and its read-back. */
  submitAndReadUs: number;
  /** Microseconds of one more dispatch that waits for the one before. */
  dependentDispatchUs: number;
  /** Microseconds of one more dispatch that does not. */
  independentDispatchUs: number;
}

const REPETITIONS = 9;
/** Dispatches in a pass. */
const MANY = 400;

/** Seconds of a submit, and of one more tiny dispatch in it. */
async function measureDispatch(gpu: Gpu, dependent: boolean) {
  using pool = new BufferPool(gpu.device);
  using timer = await createSubmitTimer(gpu);
  const pipeline = await compileKernel(gpu, {
    label: "probe.tiny",
    code: [
      "@group(0) @binding(0) var<storage, read_write> y: array<u32>;",
      "@compute @workgroup_size(1) fn main() { y[0] += 1u; }",
    ],
  });
  const groups = Array.from({ length: dependent ? 1 : MANY }, () => {
    const y = pool.create({ label: "probe.y", size: 16 });
    return bindBuffers(gpu.device, pipeline, [y]);
  });
  await pool.check("the outputs of a probe");
  const record: Recorder = (pass, count) => {
    pass.setPipeline(pipeline);
    for (let i = 0; i < count; i++) {
      pass.setBindGroup(0, groups[i % groups.length]!);
      pass.dispatchWorkgroups(1);
    }
  };
  const median = async (count: number) => {
    const seconds: number[] = [];
    for (let i = 0; i < REPETITIONS + 2; i++) {
      seconds.push(await timer.time(record, count));
    }
    return summarize(seconds.slice(2)).median; // two to warm up
  };
  const [many, one] = [await median(MANY), await median(1)];
  return { each: (many - one) / (MANY - 1), one };
}

async function probe(gpu: Gpu, small: boolean): Promise<Probe> {
  using timer = await openTimer(gpu);
  const ceilings = await measureCeilings(gpu, {
    timer,
    streamBytes: small ? 2 ** 26 : 2 ** 29,
    repetitions: REPETITIONS,
    seconds: 0.2,
  });
  const dependent = await measureDispatch(gpu, true);
  const independent = await measureDispatch(gpu, false);
  return {
    device: gpu.info.description,
    timing: timer.method,
    streamGBs: ceilings.streamBytesPerSecond / 1e9,
    fmaGFlops: ceilings.fmaFlopsPerSecond / 1e9,
    dot4GFlops: ceilings.dotFlopsPerSecond / 1e9,
    submitAndReadUs: dependent.one * 1e6,
    dependentDispatchUs: dependent.each * 1e6,
    independentDispatchUs: independent.each * 1e6,
  };
}

if (import.meta.main) {
  const gpu = await requestGpu();
  const result = await probe(gpu, Deno.args.includes("--small"));
  gpu.device.destroy();
  const text = Deno.args.includes("--json")
    ? JSON.stringify(result, null, 2)
    : Object.entries(result).map(([name, value]) =>
      `${name.padEnd(22)}${
        typeof value === "number" ? value.toFixed(2) : value
      }`
    ).join("\n");
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
