/**
 * Checks that a URL is one of a file.
 *
 * @param path A path or URL.
 * @param action What is to be done with it, for the error.
 * @throws {TypeError} If it is of another scheme.
 */
export function checkScheme(path: string | URL, action: string): void {
  if (!(path instanceof URL) || path.protocol === "file:") return;
  throw new TypeError(
    `Cannot ${action} "${path}": its scheme is "${path.protocol}", ` +
      "a path or a file: URL is wanted",
  );
}

/**
 * Checks that a name is a regular file's, as reading others may never end.
 *
 * @param info What there is of that name.
 * @throws {Error} If it is something else.
 */
export function checkRegular({ isFile, isDirectory }: Deno.FileInfo): void {
  if (isFile) return;
  const kind = isDirectory ? "a directory" : "not a regular file";
  throw new Error(`it is ${kind}, a file is wanted`);
}
