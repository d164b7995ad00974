import {
  bindBuffers,
  compileKernel,
  grid,
  type KernelScope,
} from "../gpu/kernel.ts";
import { type Matrix, type MatrixPart, planeBytes, PLANES } from "./matrix.ts";
import {
  BLOCK,
  type Codec,
  type RepackAlignment,
  ROW_GROUP,
} from "./quant/codec.ts";
import mainCode from "./repack.wgsl" with { type: "text" };
import rowsCode from "./repack_rows.wgsl" with { type: "text" };

/** Options for {@linkcode createRepack}. */
export interface CreateRepackOptions {
  /** Largest chunk in bytes. */
  chunkBytes: number;
  /** The formats of what is written. */
  codecs: Iterable<Codec>;
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
  /**
   * Submits what the last chunk has left, after which the matrix is whole. Until
   * then it waits for the next chunk: a software driver copies on one core, while
   * that chunk is made ready on another, and takes it apart on all of them.
   */
  finish(): void;
}

/** No lane waits for another: few large workgroups, also on software drivers. */
const WORKGROUP_SIZE = 64;

/** Bytes of the buffers that {@linkcode createRepack} allocates. */
export function repackBytes(options: CreateRepackOptions): number {
  const { source, quants, scales, high } = scratchBytes(options);
  return PARAMS_BYTES + source + quants + scales + high;
}

const PARAMS_BYTES = 16;

/** Bytes of what a chunk passes through, in whole elements of 16. */
function scratchBytes({ chunkBytes, codecs }: CreateRepackOptions) {
  // A reader loads an element ahead.
  const bytes = { source: chunkBytes + 16, quants: 0, scales: 0, high: 0 };
  for (const codec of codecs) {
    if (codec.repack === undefined) continue;
    const { weights, bytes: blockBytes } = codec.fileBlock;
    const blocks = Math.floor(chunkBytes / blockBytes) * weights / BLOCK;
    const planes = planeBytes(codec, blocks);
    for (const plane of PLANES) {
      bytes[plane] = Math.max(bytes[plane], planes[plane]);
    }
  }
  for (const name of ["source", ...PLANES] as const) {
    bytes[name] = Math.ceil(bytes[name] / 16) * 16;
  }
  return bytes;
}

/** What blocks of so many bytes that stand back to back begin at. */
function alignmentOf(bytes: number): RepackAlignment {
  return bytes % 16 === 0 ? 16 : bytes % 4 === 0 ? 4 : 1;
}

/**
 * Creates the scratch buffers that weights pass through at load: they are taken
 * apart from one to others, and copied from there to where they belong. Written
 * by a kernel, a weight's buffer would be filled with zeros before, all of it at
 * once.
 *
 * @param scope The device, and the owner of the scratch: free it after loading.
 * @param options What is uploaded, and how much at once.
 * @returns The writer.
 */
export function createRepack(
  { gpu, pool }: KernelScope,
  options: CreateRepackOptions,
): Repack {
  const { device } = gpu;
  const { chunkBytes } = options;
  const bytes = scratchBytes(options);
  const create = (name: keyof typeof bytes) =>
    pool.create({ label: `repack.${name}`, size: bytes[name] });
  const source = create("source");
  const scratch = {
    quants: bytes.quants > 0 ? create("quants") : undefined,
    scales: bytes.scales > 0 ? create("scales") : undefined,
    high: bytes.high > 0 ? create("high") : undefined,
  };
  const params = pool.create({
    label: "repack.params",
    size: PARAMS_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });

  const encode = (
    pipeline: GPUComputePipeline,
    words: number[],
    outputs: (GPUBuffer | undefined)[],
    invocations: number,
  ): GPUCommandEncoder => {
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
    return encoder;
  };

  /** Copies of what the last chunk was taken apart to. */
  let waiting: GPUCommandBuffer | undefined;
  const submit = (...commands: GPUCommandBuffer[]) => {
    device.queue.submit(
      waiting === undefined ? commands : [waiting, ...commands],
    );
    waiting = undefined;
  };

  /** Takes blocks apart. */
  const split = async ({ bytes, matrix, part, row, rows }: RepackChunk) => {
    const { codec, blocks } = matrix;
    const { repack, fileBlock, layout } = codec;
    const { label, code, constants, parts = 1 } = repack!;
    const fileBlocks = fileBlock.weights / BLOCK;
    const GROUP = Math.max(fileBlocks, layout.scales!.blocks);
    const pipeline = await compileKernel(gpu, {
      label,
      code: [mainCode, code],
      constants: {
        ...constants,
        WORKGROUP_SIZE,
        GROUP,
        GROUP_BYTES: GROUP / fileBlocks * fileBlock.bytes,
        PARTS: parts,
        ALIGNMENT: repack!.alignment ?? alignmentOf(fileBlock.bytes),
      },
    });
    writePadded(device, source, bytes);
    const count = rows * blocks;
    const planes = PLANES.filter((plane) => part[plane] !== undefined);
    const encoder = encode(
      pipeline,
      [count],
      planes.map((plane) => scratch[plane]),
      Math.ceil(count / GROUP) * parts,
    );
    const [at, sizes] = [row * blocks, count].map((n) => planeBytes(codec, n));
    const copies = device.createCommandEncoder({ label: "repack.copies" });
    for (const plane of planes) {
      const [from, to] = [scratch[plane]!, part[plane]!];
      copies.copyBufferToBuffer(from, 0, to, at![plane], sizes![plane]);
    }
    submit(encoder.finish());
    waiting = copies.finish();
  };

  /** Pads rows of floats to whole blocks. */
  const pad = async ({ bytes, matrix, part, row, rows }: RepackChunk) => {
    const { codec, cols, blocks } = matrix;
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
    const encoder = encode(
      pipeline,
      [rows, row, halves, rowWords],
      [part.quants],
      rows * rowWords,
    );
    device.queue.submit([encoder.finish()]);
  };

  return {
    async write(chunk) {
      const { bytes, matrix: { codec }, row } = chunk;
      if (bytes.length > chunkBytes) {
        throw new RangeError(
          `Cannot repack ${codec.name} weights: a chunk has ${bytes.length} bytes, at most ${chunkBytes} are wanted`,
        );
      }
      if (codec.repack === undefined) return await pad(chunk);
      if (row % ROW_GROUP !== 0) {
        throw new RangeError(
          `Cannot repack ${codec.name} weights: a chunk begins at row ${row}, a multiple of ${ROW_GROUP} is wanted`,
        );
      }
      await split(chunk);
    },
    finish: () => submit(),
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
