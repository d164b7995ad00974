import { statfs } from "node:fs/promises";
import { formatBytes } from "../system/format_bytes.ts";
import { downloadError } from "./errors.ts";

/** Left free: a full disk is trouble for all programs on it. */
const RESERVE_BYTES = 64 * 2 ** 20;

/**
 * Refuses what does not fit onto a disk.
 *
 * @param label What is to be written, as errors call it.
 * @param bytes How much it is.
 * @param options A folder on the disk, and bytes that are free there, which
 * default to what the system says.
 * @throws {Error} If there are fewer; where the system does not say how many
 * there are, writing finds out.
 */
export async function checkDiskSpace(
  label: string,
  bytes: number,
  { folder, free }: { folder: string; free?: number },
): Promise<void> {
  free ??= await freeBytes(folder);
  if (bytes + RESERVE_BYTES <= free) return;
  throw downloadError(
    label,
    `it takes ${formatBytes(bytes)} beside ${
      formatBytes(RESERVE_BYTES)
    } that stay free, and "${folder}" has ${formatBytes(free)} left`,
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
