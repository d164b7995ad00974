/**
 * What a device can do, apart from any model: streaming reads, arithmetic, the
 * cost of a dependent dispatch and of a read-back, and matrix-vector products
 * of llama13b's shapes as a fraction of the streaming rate.
 *
 *     deno run -A bench/probe.ts [--json] [--small]
 *
 * `--small` takes sizes that a software driver gets through.
 *
 * @module
 */

import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { compileKernel } from "../src/gpu/kernel.ts";
import { createReadback } from "../src/gpu/readback.ts";
import type { BatchKernel } from "../src/kernels/batch.ts";
import { createMatrix, matrixBytes } from "../src/kernels/matrix.ts";
import { createMatvec } from "../src/kernels/matvec.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";

const REPETITIONS = 9;

type Recorder = (pass: GPUComputePassEncoder) => void;

/** Median seconds of one submit, waited for. */
async function time(gpu: Gpu, record: Recorder): Promise<number> {
  const { device } = gpu;
  const source = device.createBuffer({
    size: 16,
    usage: GPUBufferUsage.COPY_SRC,
  });
  const readback = createReadback(device, { size: 16, sync: gpu.syncReadback });
  const seconds: number[] = [];
  for (let i = 0; i < REPETITIONS + 2; i++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    record(pass);
    pass.end();
    encoder.copyBufferToBuffer(source, 0, readback.buffer, 0, 16);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await readback.read(16);
    if (i >= 2) seconds.push((performance.now() - start) / 1000);
  }
  source.destroy();
  readback.buffer.destroy();
  return seconds.sort((a, b) => a - b)[seconds.length >> 1]!;
}

/** A kernel of one output buffer and, where `input` is given, one input. */
async function dispatch(
  gpu: Gpu,
  label: string,
  { code, output, input, groups }: {
    code: string;
    output: GPUBuffer;
    input?: GPUBuffer;
    groups: number;
  },
): Promise<Recorder> {
  const pipeline = await compileKernel(gpu, { label, code: [code] });
  const buffers = input === undefined ? [output] : [output, input];
  const group = gpu.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer },
    })),
  });
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
  };
}

const OUTPUT =
  "@group(0) @binding(0) var<storage, read_write> y: array<u32>;\n";

/** Bytes a second of 16-byte reads over all of a large buffer. */
async function measureStream(gpu: Gpu, pool: BufferPool, bytes: number) {
  const input = pool.create({ label: "stream", size: bytes });
  const output = pool.create({ label: "output", size: 2 ** 20 });
  const perLane = 16;
  const record = await dispatch(gpu, "probe.stream", {
    input,
    output,
    groups: bytes / (256 * 16 * perLane),
    // Each lane reads 16 words a workgroup's width apart, all before any use.
    code: OUTPUT +
      "@group(0) @binding(1) var<storage, read> x: array<vec4u>;\n" +
      "@compute @workgroup_size(256) fn main(@builtin(workgroup_id) w: vec3u," +
      " @builtin(local_invocation_index) i: u32) {\n" +
      `let o = w.x * ${256 * perLane}u + i;\n` +
      Array.from(
        { length: perLane },
        (_, k) => `let v${k} = x[o + ${256 * k}u];\n`,
      ).join("") +
      `let s = ${
        Array.from({ length: perLane }, (_, k) => `v${k}`).join(" | ")
      };\n` +
      "if ((s.x | s.y | s.z | s.w) == 0x9e3779b9u) { y[i] = s.x; } }",
  });
  return bytes / await time(gpu, record);
}

/** Multiply-adds a second of a long chain of independent ones. */
async function measureArithmetic(
  gpu: Gpu,
  output: GPUBuffer,
  { groups, kind }: { groups: number; kind: "f32" | "dot4" },
) {
  const [type, step, each] = kind === "f32"
    ? ["vec4f", (v: string) => `${v} = fma(${v}, m, ${v});\n`, 4] as const
    : [
      "vec4i",
      (v: string) =>
        `${v} += vec4i(dot4I8Packed(u32(${v}.x), c), dot4I8Packed(u32(${v}.y), c), dot4I8Packed(u32(${v}.z), c), dot4I8Packed(u32(${v}.w), c));\n`,
      16,
    ] as const;
  const lanes = 8;
  const loops = 64;
  const names = Array.from({ length: lanes }, (_, k) => `v${k}`);
  const record = await dispatch(gpu, `probe.${kind}`, {
    output,
    groups,
    code: OUTPUT +
      "@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) g: vec3u) {\n" +
      `let c = g.x * 2654435761u; let m = vec4f(f32(c & 3u));\n` +
      names.map((v, k) =>
        `var ${v} = ${type}(${
          type === "vec4f" ? "f32" : "i32"
        }(g.x + ${k}u));\n`
      )
        .join("") +
      `for (var i = 0u; i < ${loops}u; i++) {\n` +
      Array.from({ length: 4 }, () => names.map(step).join("")).join("") +
      "}\n" +
      `let s = ${names.join(" + ")};\n` +
      "if (u32(s.x) == 0x9e3779b9u) { y[0] = u32(s.y); } }",
  });
  return groups * 256 * lanes * loops * 4 * each / await time(gpu, record);
}

/** Seconds that one more tiny dispatch costs, on the same buffer or not. */
async function measureDispatch(gpu: Gpu, pool: BufferPool, dependent: boolean) {
  const count = 400;
  const buffers = Array.from(
    { length: dependent ? 1 : count },
    () => pool.create({ label: "tiny", size: 256 }),
  );
  const records = await Promise.all(
    buffers.map((output) =>
      dispatch(gpu, "probe.tiny", {
        output,
        groups: 1,
        code: OUTPUT + "@compute @workgroup_size(1) fn main() { y[0] += 1u; }",
      })
    ),
  );
  const run = (n: number) => (pass: GPUComputePassEncoder) => {
    for (let i = 0; i < n; i++) records[i % records.length]!(pass);
  };
  const [all, one] = [await time(gpu, run(count)), await time(gpu, run(1))];
  return { each: (all - one) / (count - 1), one };
}

/** Seconds of a matrix-vector product over cold weights. */
async function measureMatvec(
  gpu: Gpu,
  { format, rows, cols }: { format: string; rows: number; cols: number },
) {
  using pool = new BufferPool(gpu.device);
  const codec = CODECS.get(format)!;
  const maxBytes = gpu.device.limits.maxStorageBufferBindingSize;
  const shape = { label: "w", rows, cols, codec, maxBytes };
  // Enough sets of weights that none stays in a cache of 64 MiB.
  const sets = Math.max(2, Math.ceil(2 ** 28 / matrixBytes(shape)));
  const x = pool.create({ label: "x", size: 4 * cols });
  const kernels: BatchKernel[] = [];
  for (let i = 0; i < sets; i++) {
    const w = createMatrix(pool, shape);
    const y = pool.create({ label: "y", size: 4 * rows });
    kernels.push((await createMatvec({ gpu, pool }, w)).bind({ x, y }));
  }
  await pool.check("the weights");
  const seconds = await time(gpu, (pass) => {
    for (const kernel of kernels) kernel(pass, 1);
  });
  return { seconds: seconds / sets, bytes: matrixBytes(shape) };
}

if (import.meta.main) {
  const small = Deno.args.includes("--small");
  const gpu = await requestGpu();
  const pool = new BufferPool(gpu.device);
  const output = pool.create({ label: "output", size: 2 ** 20 });
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  const streamBytes = Math.min(small ? 2 ** 26 : 2 ** 30, limit);
  const groups = small ? 8 : 4096;

  const stream = await measureStream(gpu, pool, streamBytes);
  const dependent = await measureDispatch(gpu, pool, true);
  const independent = await measureDispatch(gpu, pool, false);
  const result = {
    device: gpu.info.description,
    streamGBs: stream / 1e9,
    fmaGFlops: 2e-9 *
      await measureArithmetic(gpu, output, { groups, kind: "f32" }),
    dot4GOps: 2e-9 *
      await measureArithmetic(gpu, output, { groups, kind: "dot4" }),
    submitAndReadUs: dependent.one * 1e6,
    dependentDispatchUs: dependent.each * 1e6,
    independentDispatchUs: independent.each * 1e6,
    matvec: [] as Record<string, string | number>[],
  };
  const shapes = small
    ? [[1024, 1024]] as const
    : [[5120, 5120], [13824, 5120], [5120, 13824], [32000, 5120]] as const;
  for (const subgroups of [true, false]) {
    const on = subgroups ? gpu : { ...gpu, subgroupSize: 0 };
    if (subgroups && gpu.subgroupSize === 0) continue;
    for (const format of ["Q4_0", "Q8_0", "F16"]) {
      for (const [rows, cols] of shapes) {
        const { seconds, bytes } = await measureMatvec(on, {
          format,
          rows,
          cols,
        });
        result.matvec.push({
          format,
          rows,
          cols,
          reduce: subgroups ? "subgroups" : "tree",
          us: seconds * 1e6,
          gbs: bytes / seconds / 1e9,
          ofStream: bytes / seconds / stream,
        });
      }
    }
  }
  pool[Symbol.dispose]();
  gpu.device.destroy();
  const text = JSON.stringify(
    result,
    null,
    Deno.args.includes("--json") ? 2 : 1,
  );
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
