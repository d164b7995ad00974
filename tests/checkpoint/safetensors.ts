/** A tensor of a checkpoint that is to be written. */
export interface MadeTensor {
  /** Its name. */
  name: string;
  /** Type of its elements, as safetensors calls it. */
  dtype: string;
  /** Its dimensions, the slowest first. */
  shape: readonly number[];
  /** Bytes of its data. */
  bytes: number;
  /** Its data, some at a time. */
  data(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** The header of a safetensors file, its length before it. */
export function safetensorsHeader(
  tensors: readonly MadeTensor[],
  metadata: Record<string, string> = { format: "pt" },
): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const begin = end;
    end += bytes;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const json = JSON.stringify({
    __metadata__: metadata,
    ...Object.fromEntries(entries),
  });
  return prefixed(json + " ".repeat((8 - json.length % 8) % 8));
}

/** A header of any text, its length before it. */
export function prefixed(json: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(json);
  const header = new Uint8Array(8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, 8);
  return header;
}

/** Writes a safetensors file, whatever its size. */
export async function writeSafetensors(
  path: string,
  tensors: readonly MadeTensor[],
): Promise<void> {
  using file = await Deno.open(path, {
    write: true,
    create: true,
    truncate: true,
  });
  await writeAll(file, safetensorsHeader(tensors));
  for (const tensor of tensors) {
    for await (const chunk of tensor.data()) await writeAll(file, chunk);
  }
}

/** Writes all of some bytes. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}
