import type { BufferPool } from "./buffers.ts";
import type { Gpu } from "./gpu.ts";

/** Error thrown when a kernel fails to compile. */
export class KernelCompileError extends Error {
  /** Where each compiler message points, as `label:line: message`. */
  readonly messages: readonly string[];

  /**
   * Creates a {@linkcode KernelCompileError}.
   *
   * @param label The kernel's label.
   * @param messages The compiler messages.
   */
  constructor(label: string, messages: readonly string[]) {
    super(`Cannot compile kernel "${label}": ${messages.join("; ")}`);
    this.name = "KernelCompileError";
    this.messages = messages;
  }
}

/** Options for {@linkcode compileKernel}. */
export interface CompileKernelOptions {
  /** Name shown in errors and GPU captures, with its variant: `matvec.q4_0`. */
  label: string;
  /** The WGSL files that are joined, each whole. */
  code: readonly string[];
  /** Values of the code's `override` constants. */
  constants?: Record<string, number>;
}

/**
 * Compiles one kernel variant, or returns it where it is compiled already.
 *
 * @param gpu The device to compile for.
 * @param options The kernel's source and variant.
 * @returns The compiled pipeline, with an automatic layout.
 * @throws {KernelCompileError} If the compiler or the driver refuses it.
 */
export function compileKernel(
  gpu: Gpu,
  options: CompileKernelOptions,
): Promise<GPUComputePipeline> {
  const { label, constants = {} } = options;
  const key = `${label} ${JSON.stringify(constants)}`;
  let pipeline = gpu.pipelines.get(key);
  if (pipeline === undefined) {
    pipeline = compile(gpu.device, options);
    gpu.pipelines.set(key, pipeline);
  }
  return pipeline;
}

async function compile(
  device: GPUDevice,
  { label, code, constants = {} }: CompileKernelOptions,
): Promise<GPUComputePipeline> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code: code.join("\n") });
  const scope = device.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  await scope;
  const errors = messages.filter((message) => message.type === "error");
  if (errors.length > 0) {
    throw new KernelCompileError(
      label,
      errors.map((e) => `${label}:${e.lineNum}: ${e.message.trim()}`),
    );
  }
  try {
    return await device.createComputePipelineAsync({
      label,
      layout: "auto",
      compute: { module, constants },
    });
  } catch (error) {
    throw new KernelCompileError(label, [
      error instanceof Error ? error.message : String(error),
    ]);
  }
}

/** A kernel that is bound to its buffers and can be recorded many times. */
export type BoundKernel = (pass: GPUComputePassEncoder) => void;

/** What kernels are made with: a device, and the owner of their parameters. */
export interface KernelScope {
  /** The device to compile for. */
  readonly gpu: Gpu;
  /** Owns the parameter buffers of the kernels. */
  readonly pool: BufferPool;
}

/** A buffer or a range of one. */
export type Binding = GPUBuffer | GPUBufferBinding;

/**
 * Binds buffers to the bindings 0, 1, 2 … of a pipeline.
 *
 * @param device The pipeline's device.
 * @param pipeline The compiled kernel.
 * @param bindings One a binding, in order; `undefined` where the kernel has none.
 * @returns The bind group.
 */
export function bindBuffers(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  bindings: readonly (Binding | undefined)[],
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = [];
  for (const [binding, buffer] of bindings.entries()) {
    if (buffer === undefined) continue;
    const resource = "buffer" in buffer ? buffer : { buffer };
    entries.push({ binding, resource });
  }
  return device.createBindGroup({
    label: pipeline.label,
    layout: pipeline.getBindGroupLayout(0),
    entries,
  });
}

/** Spreads `count` workgroups over two dimensions of at most `limit`. */
export function grid(count: number, limit: number): [x: number, y: number] {
  if (count <= limit) return [count, 1];
  const y = Math.ceil(count / limit);
  if (y > limit) {
    throw new RangeError(
      `Cannot dispatch ${count} workgroups: at most ${limit * limit} fit`,
    );
  }
  return [Math.ceil(count / y), y];
}

/**
 * The workgroup size for kernels that work in any size.
 *
 * A software driver runs a workgroup one SIMD width at a time, and saving what
 * is live at each barrier costs more than the work: there a workgroup is one
 * subgroup.
 */
export function workgroupSize({ info }: Gpu): number {
  return info.isFallbackAdapter ? Math.max(4, info.subgroupMinSize ?? 4) : 64;
}
