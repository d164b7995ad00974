import type { Gpu } from "./gpu.ts";
import { createReadback } from "./readback.ts";

/** A dispatch, and what it took. */
export interface TimedDispatch {
  /** The label of its pipeline. */
  kernel: string;
  /** What was marked before it, `""` where nothing was. */
  stage: string;
  /** Seconds that the GPU took. */
  seconds: number;
}

/** Records work; `mark` names the stage of what follows. */
export type ProfiledWork = (
  pass: GPUComputePassEncoder,
  mark: (stage: string) => void,
) => void;

/** WebGPU's limit of queries in a set, two for each dispatch. */
const MOST_DISPATCHES = 4096 / 2;
const STAMP_BYTES = 8;

interface Dispatch {
  stage: string;
  pipeline: GPUComputePipeline;
  groups: ReadonlyMap<number, GPUBindGroup>;
  size: [x: number, y: number, z: number];
}

/**
 * Runs some work with each of its dispatches in a pass of its own, between two
 * timestamps. Alone they take longer than side by side: the sum is no less than
 * the time of the work in one pass.
 *
 * @param gpu The device, which must have the feature `timestamp-query`.
 * @param work Records the work, by `setPipeline()`, `setBindGroup()` without
 * offsets and `dispatchWorkgroups()`.
 * @returns Its dispatches in order.
 */
export async function timeDispatches(
  gpu: Gpu,
  work: ProfiledWork,
): Promise<TimedDispatch[]> {
  const dispatches = collect(work);
  const timed: TimedDispatch[] = [];
  for (let first = 0; first < dispatches.length; first += MOST_DISPATCHES) {
    const some = dispatches.slice(first, first + MOST_DISPATCHES);
    const seconds = await run(gpu, some);
    timed.push(...some.map(({ stage, pipeline }, i) => ({
      kernel: pipeline.label,
      stage,
      seconds: seconds[i]!,
    })));
  }
  return timed;
}

/** Lists the dispatches of some work by standing in for its pass. */
function collect(work: ProfiledWork): Dispatch[] {
  const dispatches: Dispatch[] = [];
  const groups = new Map<number, GPUBindGroup>();
  let stage = "";
  let pipeline: GPUComputePipeline | undefined;
  const pass = {
    setPipeline(next: GPUComputePipeline) {
      pipeline = next;
    },
    setBindGroup(index: number, group: GPUBindGroup) {
      groups.set(index, group);
    },
    dispatchWorkgroups(x: number, y = 1, z = 1) {
      if (pipeline === undefined) {
        throw new TypeError(
          "Cannot profile: a dispatch has no pipeline, setPipeline() is wanted before it",
        );
      }
      const size: Dispatch["size"] = [x, y, z];
      dispatches.push({ stage, pipeline, groups: new Map(groups), size });
    },
  };
  work(pass as unknown as GPUComputePassEncoder, (next) => {
    stage = next;
  });
  return dispatches;
}

/** Seconds of each dispatch. */
async function run(
  { device, syncReadback }: Gpu,
  dispatches: readonly Dispatch[],
): Promise<number[]> {
  const count = 2 * dispatches.length;
  const bytes = STAMP_BYTES * count;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const stamps = device.createBuffer({
    label: "profile.stamps",
    size: bytes,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const readback = createReadback(device, { size: bytes, sync: syncReadback });
  const encoder = device.createCommandEncoder({ label: "profile" });
  for (const [i, { pipeline, groups, size }] of dispatches.entries()) {
    const pass = encoder.beginComputePass({
      label: pipeline.label,
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      },
    });
    pass.setPipeline(pipeline);
    for (const [index, group] of groups) pass.setBindGroup(index, group);
    pass.dispatchWorkgroups(...size);
    pass.end();
  }
  encoder.resolveQuerySet(querySet, 0, count, stamps, 0);
  encoder.copyBufferToBuffer(stamps, 0, readback.buffer, 0, bytes);
  device.queue.submit([encoder.finish()]);
  try {
    const times = new BigUint64Array(await readback.read(bytes));
    return dispatches.map((_, i) =>
      Number(times[2 * i + 1]! - times[2 * i]!) / 1e9
    );
  } finally {
    querySet.destroy();
    stamps.destroy();
    readback.buffer.destroy();
  }
}
