import {
  bindBuffers,
  compileKernel,
  grid,
  type KernelScope,
} from "../gpu/kernel.ts";
import type { Matrix, MatrixPart } from "./matrix.ts";
import { BLOCK, ROW_GROUP } from "./quant/codec.ts";
import mainCode from "./repack.wgsl" with { type: "text" };
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
  /** Which row of the part the chunk begins with, a multiple of `ROW_GROUP`. */
  row: number;
  /** Rows in the chunk. */
  rows: number;
}

/** Writes raw weights to the GPU in the layout of the codecs. */
export interface Repack {
  /**
   * Uploads and repacks one chunk; the bytes may be reused behind it.
   *
   * @throws {RangeError} If the chunk is too large, or begins between blocks
   * whose scales may share a word.
   */
  write(chunk: RepackChunk): Promise<void>;
}

/** No lane waits for another: few large workgroups, also on software drivers. */
const WORKGROUP_SIZE = 64;

/** Bytes of the buffers that {@linkcode createRepack} allocates. */
export function repackBytes(chunkBytes: number): number {
  return Math.ceil((chunkBytes + 4) / 16) * 16 + 16;
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
  const source = pool.create({ label: "repack.source", size: chunkBytes + 4 });
  const params = pool.create({
    label: "repack.params",
    size: 16,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });

  const dispatch = (
    pipeline: GPUComputePipeline,
    words: number[],
    outputs: (GPUBuffer | undefined)[],
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
        if (row % ROW_GROUP !== 0) {
          throw new RangeError(
            `Cannot repack ${codec.name} weights: a chunk begins at row ${row}, a multiple of ${ROW_GROUP} is wanted`,
          );
        }
        const { label, code, constants } = codec.repack;
        const { weights, bytes: blockBytes } = codec.fileBlock;
        const fileBlocks = weights / BLOCK;
        const GROUP = Math.max(fileBlocks, codec.layout.scales!.blocks);
        const pipeline = await compileKernel(gpu, {
          label,
          code: [mainCode, code],
          constants: {
            ...constants,
            WORKGROUP_SIZE,
            GROUP,
            GROUP_BYTES: GROUP / fileBlocks * blockBytes,
            ALIGNED: Number(blockBytes % 4 === 0),
          },
        });
        writePadded(device, source, bytes);
        dispatch(
          pipeline,
          [rows * blocks, row * blocks],
          [part.quants, part.scales, part.high],
          Math.ceil(rows * blocks / GROUP),
        );
        return;
      }
      const rowWords = blocks * codec.layout.quants / 4;
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
