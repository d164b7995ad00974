import { writeAll } from "./safetensors.ts";

/** A file of a zip archive that is to be written. */
export interface ZippedFile {
  /** Its name, with folders. */
  name: string;
  /** How many bytes it has. */
  bytes: number;
  /** Its bytes, some at a time. */
  data(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Data starts at multiples of this, as `torch.save()` has it. */
const ALIGNMENT = 64;
const LIMIT = 0xffffffff;

/**
 * Writes a zip archive of stored files, zip64 where a place needs it. Checksums
 * are left at zero.
 */
export async function writeZip(
  path: string,
  files: readonly ZippedFile[],
  { zip64 = false } = {},
): Promise<void> {
  using file = await Deno.open(path, {
    write: true,
    create: true,
    truncate: true,
  });
  let at = 0;
  const append = async (bytes: Uint8Array) => {
    await writeAll(file, bytes);
    at += bytes.length;
  };
  const directory: Uint8Array[] = [];
  for (const entry of files) {
    const start = at;
    const name = new TextEncoder().encode(entry.name);
    const plain = start + 30 + name.length;
    const extra = (ALIGNMENT - (plain + 4) % ALIGNMENT) % ALIGNMENT + 4;
    await append(localHeader(entry, name, extra));
    for await (const chunk of entry.data()) await append(chunk);
    directory.push(directoryEntry(entry, name, { start, zip64 }));
  }
  const start = at;
  for (const entry of directory) await append(entry);
  await append(endOf(files.length, { start, bytes: at - start, zip64 }));
}

function localHeader(
  { bytes }: ZippedFile,
  name: Uint8Array,
  extra: number,
): Uint8Array {
  const header = new Uint8Array(30 + name.length + extra);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x04034b50, true);
  view.setUint16(4, 45, true);
  view.setUint32(18, Math.min(bytes, LIMIT), true);
  view.setUint32(22, Math.min(bytes, LIMIT), true);
  view.setUint16(26, name.length, true);
  view.setUint16(28, extra, true);
  header.set(name, 30);
  // torch fills up with a field of its own.
  view.setUint16(30 + name.length, 0x4246, true);
  view.setUint16(32 + name.length, extra - 4, true);
  return header;
}

function directoryEntry(
  { bytes }: ZippedFile,
  name: Uint8Array,
  { start, zip64 }: { start: number; zip64: boolean },
): Uint8Array {
  const isLarge = zip64 || start >= LIMIT || bytes >= LIMIT;
  const extra = isLarge ? 28 : 0;
  const entry = new Uint8Array(46 + name.length + extra);
  const view = new DataView(entry.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(6, 45, true);
  view.setUint32(20, isLarge ? LIMIT : bytes, true);
  view.setUint32(24, isLarge ? LIMIT : bytes, true);
  view.setUint16(28, name.length, true);
  view.setUint16(30, extra, true);
  view.setUint32(42, isLarge ? LIMIT : start, true);
  entry.set(name, 46);
  if (!isLarge) return entry;
  const at = 46 + name.length;
  view.setUint16(at, 1, true);
  view.setUint16(at + 2, 24, true);
  view.setBigUint64(at + 4, BigInt(bytes), true);
  view.setBigUint64(at + 12, BigInt(bytes), true);
  view.setBigUint64(at + 20, BigInt(start), true);
  return entry;
}

function endOf(
  count: number,
  { start, bytes, zip64 }: { start: number; bytes: number; zip64: boolean },
): Uint8Array {
  const isLarge = zip64 || start >= LIMIT || count >= 0xffff;
  const large = isLarge ? 76 : 0;
  const end = new Uint8Array(large + 22);
  const view = new DataView(end.buffer);
  if (isLarge) {
    view.setUint32(0, 0x06064b50, true);
    view.setBigUint64(4, 44n, true);
    view.setBigUint64(24, BigInt(count), true);
    view.setBigUint64(32, BigInt(count), true);
    view.setBigUint64(40, BigInt(bytes), true);
    view.setBigUint64(48, BigInt(start), true);
    view.setUint32(56, 0x07064b50, true);
    view.setBigUint64(64, BigInt(start + bytes), true);
    view.setUint32(72, 1, true);
  }
  view.setUint32(large, 0x06054b50, true);
  view.setUint16(large + 8, isLarge ? 0xffff : count, true);
  view.setUint16(large + 10, isLarge ? 0xffff : count, true);
  view.setUint32(large + 12, isLarge ? LIMIT : bytes, true);
  view.setUint32(large + 16, isLarge ? LIMIT : start, true);
  return end;
}
