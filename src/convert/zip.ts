import { quote } from "../gguf/quote.ts";
import type { ByteSource } from "../gguf/source.ts";

/** A file in a zip archive that lies there as it is. */
export interface ZipEntry {
  /** Its name, with folders: `archive/data/0`. */
  readonly name: string;
  /** Where its bytes start, from the start of the archive. */
  readonly offset: number;
  /** How many they are. */
  readonly bytes: number;
}

/** What is used of yauzl, which brings no types. */
interface Yauzl {
  RandomAccessReader: new () => object;
  fromRandomAccessReader(
    reader: object,
    size: number,
    options: object,
    callback: (error: Error | null, zip: ZipFile) => void,
  ): void;
}

interface ZipFile {
  entryCount: number;
  readEntry(): void;
  readLocalFileHeader(
    entry: YauzlEntry,
    options: { minimal: true },
    callback: (error: Error | null, header: { fileDataStart: number }) => void,
  ): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "entry", listener: (entry: YauzlEntry) => void): void;
  on(event: "end", listener: () => void): void;
}

interface YauzlEntry {
  fileName: string;
  compressionMethod: number;
  generalPurposeBitFlag: number;
  compressedSize: number;
  uncompressedSize: number;
}

/** A checkpoint has some hundreds; each takes two reads. */
const MAX_ENTRIES = 8192;
const WINDOW_BYTES = 64 * 1024;
const STORED = 0;
const ENCRYPTED = 1;

/**
 * Lists the files of a zip archive, zip64 too, where none is compressed, so that
 * each can be read in place.
 *
 * @param source The archive; of its files nothing is read.
 * @returns The files in the order of its directory; folders are left out.
 * @throws {SyntaxError} If it is no such archive, or a name comes twice.
 */
export async function readZip(source: ByteSource): Promise<ZipEntry[]> {
  const library = await import("yauzl");
  const yauzl = (library.default ?? library) as unknown as Yauzl;
  try {
    const entries = await listEntries(yauzl, source);
    const names = new Set<string>();
    for (const { name } of entries) {
      if (names.has(name)) throw new Error(`it has ${quote(name)} twice`);
      names.add(name);
    }
    return entries;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(
      `Cannot read "${source.label}": it is no zip archive to be read in ` +
        `place: ${message}`,
    );
  }
}

/** Reads from a window: the directory is read in pieces of some bytes. */
function readAhead(source: ByteSource) {
  let window = new Uint8Array();
  let start = 0;
  return async (target: Uint8Array, position: number): Promise<void> => {
    const end = position + target.length;
    if (!(position >= 0 && end <= source.size)) {
      throw new RangeError(`it ends at byte ${source.size}`);
    }
    if (position < start || end > start + window.length) {
      const bytes = Math.max(target.length, WINDOW_BYTES);
      const next = new Uint8Array(Math.min(bytes, source.size - position));
      await source.readInto(next, position);
      [window, start] = [next, position];
    }
    target.set(window.subarray(position - start, end - start));
  };
}

/** What yauzl throws in a callback of its own ends up in the promise. */
function listEntries(yauzl: Yauzl, source: ByteSource): Promise<ZipEntry[]> {
  const { promise, resolve, reject } = Promise.withResolvers<ZipEntry[]>();
  const read = readAhead(source);
  const reader = Object.assign(new yauzl.RandomAccessReader(), {
    read(
      target: Uint8Array,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null, count?: number) => void,
    ): void {
      read(target.subarray(offset, offset + length), position)
        .then(() => callback(null, length), callback).catch(reject);
    },
  });
  const entries: ZipEntry[] = [];
  // Names are those of files in an archive here, nothing is written by them.
  const options = { lazyEntries: true, autoClose: false, decodeStrings: true };
  yauzl.fromRandomAccessReader(reader, source.size, options, (error, zip) => {
    if (error !== null) return reject(error);
    if (zip.entryCount > MAX_ENTRIES) {
      return reject(
        new Error(`it has ${zip.entryCount} files, at most ${MAX_ENTRIES}`),
      );
    }
    zip.on("error", reject);
    zip.on("end", () => resolve(entries));
    zip.on("entry", (entry) => {
      if (entry.fileName.endsWith("/")) return zip.readEntry();
      const problem = problemOf(entry);
      if (problem !== undefined) return reject(new Error(problem));
      zip.readLocalFileHeader(entry, { minimal: true }, (error, header) => {
        if (error !== null) return reject(error);
        const { fileName: name, uncompressedSize: bytes } = entry;
        entries.push({ name, offset: header.fileDataStart, bytes });
        zip.readEntry();
      });
    });
    zip.readEntry();
  });
  return promise;
}

function problemOf(entry: YauzlEntry): string | undefined {
  const { fileName, compressionMethod, compressedSize, uncompressedSize } =
    entry;
  if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) {
    return `${quote(fileName)} is encrypted`;
  }
  if (compressionMethod !== STORED || compressedSize !== uncompressedSize) {
    return `${quote(fileName)} is compressed, stored files are wanted`;
  }
}
