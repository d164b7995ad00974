/** What the name of a part of a split file says. */
export interface PartName {
  /** What stands before the numbers. */
  readonly prefix: string;
  /** Which part it is, from 1 on. */
  readonly part: number;
  /** How many there are. */
  readonly count: number;
}

// As llama.cpp names them: "%s-%05d-of-%05d.gguf".
const PART_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/is;

/**
 * Reads the name of a part of a split file, such as
 * `model-00002-of-00006.gguf`.
 *
 * @param name A name, path, or path of a URL.
 * @returns What it says, `undefined` where it is no such name.
 */
export function parsePartName(name: string): PartName | undefined {
  const [, prefix, no, of] = PART_NAME.exec(name) ?? [];
  if (prefix === undefined) return undefined;
  const part = Number(no);
  const count = Number(of);
  return part >= 1 && part <= count ? { prefix, part, count } : undefined;
}

/**
 * Names a part of a split file as llama.cpp does.
 *
 * @param name Its numbers, and what stands before them.
 * @returns `<prefix>-00002-of-00006.gguf`.
 */
export function partName({ prefix, part, count }: PartName): string {
  const five = (number: number) => String(number).padStart(5, "0");
  return `${prefix}-${five(part)}-of-${five(count)}.gguf`;
}

/**
 * Tells where another part of a split file is.
 *
 * @param location Path or URL of a part; a URL keeps its query.
 * @param part The number of the other, from 1 on.
 * @returns Its path or URL.
 * @throws {TypeError} If the location is no part's.
 */
export function locatePart<T extends string | URL>(
  location: T,
  part: number,
): T {
  if (location instanceof URL) {
    const url = new URL(location) as T & URL;
    url.pathname = locatePart(url.pathname, part);
    return url;
  }
  const name = parsePartName(location);
  if (name === undefined) {
    throw new TypeError(
      `Cannot name part ${part}: the first is "${location}", ` +
        "a name like model-00001-of-00006.gguf is wanted",
    );
  }
  // What the parts are called may be in capitals.
  const ending = location.slice(-".gguf".length);
  return partName({ ...name, part }).slice(0, -ending.length) + ending as T;
}

/**
 * Reads the path or URL of a part of a split file.
 *
 * @param location A path or URL.
 * @returns What it says, `undefined` where it is of no part.
 */
export function partOf(location: string | URL): PartName | undefined {
  return parsePartName(
    location instanceof URL ? location.pathname : location,
  );
}
