import { statfs } from "node:fs/promises";
import { formatBytes } from "../system/format_bytes.ts";

/** Left free: a full disk is trouble for all programs on it. */
const RESERVE_BYTES = 64 * 2 ** 20;

/**
 * Tells whether a file fits onto a disk.
 *
 * @param bytes Bytes of the file.
 * @param options A folder on the disk, and bytes that are free there, which
 * default to what the system says.
 * @returns What is wrong, for an error; `undefined` where it fits, and where the
 * system does not say what is free or the program may not ask it
 * (`--allow-sys=statfs`): writing finds out.
 */
export async function diskShortage(
  bytes: number,
  { folder, free }: { folder: string | URL; free?: number },
): Promise<string | undefined> {
  free ??= await freeBytes(folder);
  if (bytes + RESERVE_BYTES <= free) return undefined;
  const reserve = formatBytes(RESERVE_BYTES);
  const wanted = bytes === 0
    ? `${reserve} have to stay free`
    : `it takes ${formatBytes(bytes)} beside ${reserve} that stay free`;
  return `${wanted}, and "${folder}" has ${formatBytes(free)} left`;
}

async function freeBytes(folder: string | URL): Promise<number> {
  // Asking for a permission would stop the program at a prompt.
  const permission = {
    name: "sys",
    kind: "statfs",
  } as Deno.PermissionDescriptor;
  const { state } = await Deno.permissions.query(permission);
  if (state !== "granted") return Infinity;
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
