import {
  bindBuffers,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../../gpu/kernel.ts";
import type { Matrix, MatrixPart } from "../matrix.ts";
import rowsCode from "./repack_rows.wgsl" with { type: "text" };

/** Options for {@linkcode createRepack}. */
export interface CreateRepackOptions {
  /** Largest chunk in bytes. */
  chunkBytes: number;
}

/** One chunk of raw weights on its way into a matrix. */
export interface RepackChunk {
  /** Whole rows of the file's blocks. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The matrix, all of one format. */
  matrix: Matrix;
  /** The part of the matrix that the rows belong to. */
  part: MatrixPart;
  /** Which row of the part the chunk begins with, an even number. */
  row: number;
  /** Rows in the chunk. */
  rows: number;
}

/** Writes raw weights to the GPU in the layout of the codecs. */
export interface Repack {
  /**
   * Uploads and repacks one chunk; the bytes may be reused behind it.
   *
   * @throws {RangeError} If the chunk is too large, or begins between two blocks
   * whose scales share a word.
   */
  write(chunk: RepackChunk): Promise<void>;
}

/**
 * Creates the scratch buffers that weights pass through at load.
 *
 * @param scope The device, and the owner of the scratch: free it after loading.
 * @param options How much is uploaded at once.
 * @returns The writer.
 */
export function createRepack(
  { gpu, pool }: KernelScope,
  { chunkBytes }: CreateRepackOptions,
): Repack {
  const { device } = gpu;
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const source = pool.create({ label: "repack.source", size: chunkBytes + 4 });
  const params = pool.create({
    label: "repack.params",
    size: 16,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });

  const dispatch = (
    pipeline: GPUComputePipeline,
    words: number[],
    outputs: GPUBuffer[],
    invocations: number,
  ) => {
    device.queue.writeBuffer(params, 0, Uint32Array.from(words));
    const encoder = device.createCommandEncoder({ label: "repack" });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const bindings = [params, source, ...outputs];
    pass.setBindGroup(0, bindBuffers(device, pipeline, bindings));
    const limit = device.limits.maxComputeWorkgroupsPerDimension;
    const groups = Math.ceil(invocations / WORKGROUP_SIZE);
    pass.dispatchWorkgroups(...grid(groups, limit));
    pass.end();
    device.queue.submit([encoder.finish()]);
  };

  return {
    async write({ bytes, matrix, part, row, rows }) {
      const { codec, cols, blocks } = matrix;
      if (bytes.length > chunkBytes) {
        throw new RangeError(
          `Cannot repack ${codec.name} weights: a chunk has ${bytes.length} bytes, at most ${chunkBytes} are wanted`,
        );
      }
      if (codec.repack !== undefined) {
        const { label, code, constants, invocationBlocks } = codec.repack;
        if (row * blocks % invocationBlocks !== 0) {
          throw new RangeError(
            `Cannot repack ${codec.name} weights: a chunk begins behind ${
              row * blocks
            } blocks, an even number is wanted`,
          );
        }
        const pipeline = await compileKernel(gpu, {
          label,
          code: [code],
          constants: { ...constants, WORKGROUP_SIZE },
        });
        writePadded(device, source, bytes);
        dispatch(
          pipeline,
          [rows * blocks, row * blocks],
          [part.quants, part.scales!],
          Math.ceil(rows * blocks / invocationBlocks),
        );
        return;
      }
      const rowWords = 4 * blocks * codec.quantWords;
      if (rows * rowWords * 4 === bytes.length) {
        device.queue.writeBuffer(part.quants, row * rowWords * 4, bytes);
        device.queue.submit([]); // frees the staging copy
        return;
      }
      const pipeline = await compileKernel(gpu, {
        label: "repack_rows",
        code: [rowsCode],
        constants: { WORKGROUP_SIZE },
      });
      writePadded(device, source, bytes);
      const halves = cols * bytes.length / (rows * cols) / 2;
      dispatch(
        pipeline,
        [rows, row, halves, rowWords],
        [part.quants],
        rows * rowWords,
      );
    },
  };
}

/** Writes any number of bytes, where `writeBuffer` wants whole words. */
function writePadded(
  { queue }: GPUDevice,
  buffer: GPUBuffer,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  const whole = bytes.length - bytes.length % 4;
  queue.writeBuffer(buffer, 0, bytes, 0, whole);
  if (whole === bytes.length) return;
  const tail = new Uint8Array(4);
  tail.set(bytes.subarray(whole));
  queue.writeBuffer(buffer, whole, tail);
}
