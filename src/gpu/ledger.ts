import { BufferPool } from "./buffers.ts";
import type { Gpu } from "./gpu.ts";

/** What of an adapter decides how much is allocated on it. */
export interface LedgerDevice {
  /** Largest buffer in bytes. */
  readonly maxBufferSize: number;
  /** Most bytes of a buffer that a kernel can bind. */
  readonly maxStorageBufferBindingSize: number;
  /** Most workgroups in one direction of a dispatch. */
  readonly maxComputeWorkgroupsPerDimension: number;
  /** Whether it is a software adapter. */
  readonly isSoftware: boolean;
}

/** A buffer that would be allocated. */
export interface LedgerBuffer {
  /** Its label. */
  readonly label: string;
  /** Its bytes. */
  readonly size: number;
}

/** Keeps account of what would be allocated on a device, and allocates nothing. */
export interface Ledger {
  /** The device; of its parts only those are there that allocations look at. */
  readonly gpu: Gpu;
  /**
   * Takes buffers of any size: what is too large for the device is for the reader
   * of `buffers` to find.
   */
  readonly pool: BufferPool;
  /** What was allocated so far, in order. */
  readonly buffers: readonly LedgerBuffer[];
  /** Bytes of all of it. */
  readonly bytes: number;
}

/**
 * Opens a ledger. What allocates is given its `gpu` and `pool` in place of real
 * ones, so that a plan is made by the code that it foretells.
 *
 * @param device What is to be allocated on.
 * @returns The ledger, empty.
 */
export function createLedger(
  { isSoftware, ...limits }: LedgerDevice,
): Ledger {
  const buffers: LedgerBuffer[] = [];
  const base = {
    queue: { writeBuffer() {}, submit() {} },
    pushErrorScope() {},
    popErrorScope: () => Promise.resolve(null),
    createBuffer({ label = "", size }: GPUBufferDescriptor) {
      const buffer = { label, size, destroy() {} };
      buffers.push(buffer);
      return buffer;
    },
  };
  const anySize = {
    maxBufferSize: Infinity,
    maxStorageBufferBindingSize: Infinity,
  };
  const gpu = {
    device: { ...base, limits },
    info: { isFallbackAdapter: isSoftware },
    features: new Set<string>(),
    subgroupSize: 0,
    subgroupPrelude: "",
    syncReadback: false,
    health: { problem: undefined },
    pipelines: new Map(),
    tables: new Map(),
  } as unknown as Gpu;
  const pool = new BufferPool(
    { ...base, limits: anySize } as unknown as GPUDevice,
  );
  return {
    gpu,
    pool,
    buffers,
    get bytes() {
      return buffers.reduce((sum, { size }) => sum + size, 0);
    },
  };
}
