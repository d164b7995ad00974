/**
 * Runs a test in a new folder, which is removed behind it.
 *
 * @param test Is given the folder's path.
 * @returns What the test returns.
 */
export async function inTempFolder<T>(
  test: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "seraph test " });
  try {
    return await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The names of what lies in a folder, in order. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
