import { statfs } from "node:fs/promises";
import { formatBytes } from "../system/format_bytes.ts";

/** Left free: a full disk is trouble for all programs on it. */
const RESERVE_BYTES = 64 * 2 ** 20;

/**
 * Refuses what does not fit onto a disk.
 *
 * @param folder A folder on it.
 * @param bytes Bytes to be written there.
 * @param free Bytes that are free. Defaults to what the system says.
 * @throws {Error} If there are fewer; where the system does not say how many
 * there are, writing finds out.
 */
export async function checkDiskSpace(
  folder: string,
  bytes: number,
  free?: number,
): Promise<void> {
  free ??= await freeBytes(folder);
  if (bytes + RESERVE_BYTES <= free) return;
  throw new Error(
    `it takes ${formatBytes(bytes)} in "${folder}" ` +
      `and leaves ${formatBytes(RESERVE_BYTES)}, ${formatBytes(free)} are free`,
  );
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
