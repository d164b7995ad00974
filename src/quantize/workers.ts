/** What keeps memory under 1 GB on machines of many cores, at 50 MB a worker. */
const MOST_BY_DEFAULT = 12;
const MOST = 256;

/**
 * How many workers share some work.
 *
 * @param action What is to be done, for the error, such as `"quantize"`.
 * @param workers What was asked for. Defaults to one a core, at most 12, and to
 * none where the program may not start any.
 * @returns The number; 0 for this thread alone.
 * @throws {RangeError} If it is no integer from 0 to 256.
 */
export function workerCount(
  action: string,
  workers: number = defaultWorkers(),
): number {
  if (Number.isSafeInteger(workers) && workers >= 0 && workers <= MOST) {
    return workers;
  }
  throw new RangeError(
    `Cannot ${action}: workers is ${workers}, ` +
      `an integer from 0 to ${MOST} is wanted`,
  );
}

function defaultWorkers(): number {
  if (!mayStartWorkers()) return 0;
  return Math.min(navigator.hardwareConcurrency, MOST_BY_DEFAULT);
}

/** A worker reads its modules anew, which Deno counts as reading files. */
function mayStartWorkers(): boolean {
  const path = new URL("../", import.meta.url);
  if (path.protocol !== "file:" || globalThis.Deno === undefined) return true;
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}
