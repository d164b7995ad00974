import { type BufferPool, formatBytes } from "../../gpu/buffers.ts";
import {
  bindBuffers,
  compileKernel,
  grid,
  type KernelScope,
} from "../../gpu/kernel.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { nextTurn } from "../../gpu/next_turn.ts";
import { createReadback, type Readback } from "../../gpu/readback.ts";
import { blockFormatByName } from "../../gguf/formats.ts";
import { type PackingCode, packingCode, SOURCES } from "./formats.ts";

/** Options for {@linkcode createPacker}. */
export interface CreatePackerOptions {
  /** ggml's name of the format of the weights: `"F32"`, `"F16"` or `"BF16"`. */
  from: string;
  /** ggml's name of the format that they are packed in. */
  to: string;
  /** Weights that are packed at once, at most. */
  weights: number;
}

/** Weights that were packed. */
export interface PackedBlocks {
  /** The blocks. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Indices of the blocks that may be wrong, since their weights are not finite,
   * huge or tiny; `undefined` where they are too many to tell.
   */
  readonly unsure: Uint32Array | undefined;
}

/** Packs weights in a block format on the GPU. */
export interface Packer {
  /**
   * Packs weights; may be called again before it is done.
   *
   * @param bytes The weights, whole blocks of them; they must stay until it is done.
   * @returns The blocks.
   * @throws {RangeError} If they are too many, or no whole blocks.
   */
  pack(bytes: Uint8Array<ArrayBuffer>): Promise<PackedBlocks>;
}

/** Blocks that a list of unsure ones has room for. */
const MARKS = 4095;
const MARK_BYTES = 4 * (1 + MARKS);
const PARAM_BYTES = 16;
/** Bytes before the blocks of what is read back. */
const HEAD_BYTES = PARAM_BYTES + MARK_BYTES;
/** Chunks that are on the GPU at the same time. */
const SLOTS = 2;

/** The buffers of one chunk. */
interface Slot {
  readonly source: GPUBuffer;
  readonly packed: GPUBuffer;
  readonly marks: GPUBuffer;
  readonly params: GPUBuffer;
  readonly readback: Readback;
  readonly group: GPUBindGroup;
  /** Number of the chunk, which tells its results from earlier ones. */
  turn: number;
  /** Settles when the slot is free. */
  busy: Promise<unknown>;
}

/**
 * Compiles what packs weights to the bytes that the CPU's quantizers write.
 *
 * @param scope The device, and the owner of the memory.
 * @param options The formats, and how much at once.
 * @returns The packer; `undefined` where there is no kernel for the formats.
 * @throws {RangeError} If a chunk is larger than a binding of the device.
 */
export async function createPacker(
  { gpu, pool }: KernelScope,
  options: CreatePackerOptions,
): Promise<Packer | undefined> {
  const { from, to, weights } = options;
  const source = SOURCES.get(from);
  const packing = packingCode(gpu, to);
  if (source === undefined || packing === undefined) return undefined;
  const { device } = gpu;
  const pipeline = await compileKernel(gpu, {
    label: `pack.${from}.${to}`.toLowerCase(),
    code: [source, ...packing.code],
    constants: packing.constants,
  });
  const { blockSize, bytes: blockBytes } = blockFormatByName(to)!;
  const weightBytes = blockFormatByName(from)!.bytes;
  const groups = Math.ceil(weights / blockSize / packing.blocks);
  const capacity = groups * packing.blocks;
  const slots = Array.from(
    { length: SLOTS },
    () =>
      createSlot(device, pool, pipeline, {
        sourceBytes: capacity * blockSize * weightBytes,
        packedBytes: capacity * blockBytes,
        sync: gpu.syncReadback,
      }),
  );
  await pool.check("memory to quantize in");
  let next = 0;
  return {
    pack(bytes) {
      const blocks = bytes.length / weightBytes / blockSize;
      if (!Number.isInteger(blocks) || blocks > capacity) {
        throw new RangeError(
          `Cannot pack ${formatBytes(bytes.length)} of ${from} as ${to}: ` +
            `whole blocks of ${blockSize} weights are wanted, ` +
            `${capacity} of them at most`,
        );
      }
      const slot = slots[next++ % SLOTS]!;
      const done = slot.busy.then(() =>
        packIn(gpu, pipeline, slot, { bytes, blocks, blockBytes, packing })
      );
      slot.busy = done.catch(() => {});
      return done;
    },
  };
}

function createSlot(
  device: GPUDevice,
  pool: BufferPool,
  pipeline: GPUComputePipeline,
  { sourceBytes, packedBytes, sync }: {
    sourceBytes: number;
    packedBytes: number;
    sync: boolean;
  },
): Slot {
  const source = pool.create({ label: "pack.source", size: sourceBytes });
  const packed = pool.create({ label: "pack.packed", size: packedBytes });
  const marks = pool.create({ label: "pack.marks", size: MARK_BYTES });
  const params = pool.create({
    label: "pack.params",
    size: PARAM_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST |
      GPUBufferUsage.COPY_SRC,
  });
  const readback = createReadback(device, {
    size: HEAD_BYTES + Math.ceil(packedBytes / 4) * 4,
    sync,
  });
  const group = bindBuffers(device, pipeline, [params, source, packed, marks]);
  return {
    source,
    packed,
    marks,
    params,
    readback,
    group,
    turn: 0,
    busy: Promise.resolve(),
  };
}

/** A chunk, and how it is packed. */
interface Job {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly packing: PackingCode;
}

async function packIn(
  { device, health }: Gpu,
  pipeline: GPUComputePipeline,
  slot: Slot,
  { bytes, blocks, blockBytes, packing }: Job,
): Promise<PackedBlocks> {
  const { queue, limits } = device;
  queue.writeBuffer(slot.source, 0, bytes);
  const turn = ++slot.turn;
  queue.writeBuffer(slot.params, 0, Uint32Array.of(blocks, 0, MARKS, turn));
  const encoder = device.createCommandEncoder({ label: "pack" });
  encoder.clearBuffer(slot.marks, 0, 4);
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, slot.group);
  const groups = Math.ceil(blocks / packing.blocks);
  const limit = limits.maxComputeWorkgroupsPerDimension;
  pass.dispatchWorkgroups(...grid(groups, limit));
  pass.end();
  const { buffer } = slot.readback;
  const size = blocks * blockBytes;
  const end = HEAD_BYTES + Math.ceil(size / 4) * 4;
  const { params, marks, packed } = slot;
  encoder.copyBufferToBuffer(params, 0, buffer, 0, PARAM_BYTES);
  encoder.copyBufferToBuffer(marks, 0, buffer, PARAM_BYTES, MARK_BYTES);
  encoder.copyBufferToBuffer(packed, 0, buffer, HEAD_BYTES, end - HEAD_BYTES);
  queue.submit([encoder.finish()]);
  // Reading holds the thread: what comes next can be read from the file now.
  await nextTurn();
  const result = await slot.readback.read(end);
  // Commands that are refused leave what was there before.
  if (new Uint32Array(result, 0, 4)[3] !== turn) {
    const problem = health.problem ?? "its commands were not carried out";
    throw new Error(`Cannot quantize on the GPU: ${problem}`);
  }
  const list = new Uint32Array(result, PARAM_BYTES, 1 + MARKS);
  const count = list[0]!;
  return {
    bytes: new Uint8Array(result, HEAD_BYTES, size),
    unsure: count > MARKS ? undefined : list.slice(1, 1 + count).sort(),
  };
}
