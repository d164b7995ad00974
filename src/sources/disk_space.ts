import { diskShortage } from "../files/disk_space.ts";
import { downloadError } from "./errors.ts";

/**
 * Refuses a download that does not fit onto a disk.
 *
 * @param label What is to be written, as errors call it.
 * @param bytes How much it is.
 * @param options A folder on the disk, and bytes that are free there, which
 * default to what the system says.
 * @throws {Error} If there are fewer.
 */
export async function checkDiskSpace(
  label: string,
  bytes: number,
  options: { folder: string; free?: number },
): Promise<void> {
  const shortage = await diskShortage(bytes, options);
  if (shortage !== undefined) throw downloadError(label, shortage);
}
