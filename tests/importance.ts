import { array, buildGguf, string, u32 } from "./gguf_builder.ts";

/** An entry of an importance matrix of the older format. */
export interface DatEntry {
  /** Name of the tensor. */
  name: string;
  /** How often it was called. */
  calls: number;
  /** Sums of squares, by column. */
  sums: readonly number[];
}

/** What stands around the entries. */
export interface DatOptions {
  /** The count that is written. Defaults to how many there are. */
  count?: number;
  /** Chunks of the text. Defaults to a file that ends before. */
  chunks?: number;
  /** Name of the text. Defaults to none. */
  dataset?: string;
}

/** Writes an importance matrix of the older format of `llama-imatrix`. */
export function importanceDat(
  entries: readonly DatEntry[],
  { count = entries.length, chunks, dataset = "" }: DatOptions = {},
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const int = (value: number) => {
    bytes.push(...new Uint8Array(Int32Array.of(value).buffer));
  };
  const text = (value: string) => {
    const encoded = encoder.encode(value);
    int(encoded.length);
    bytes.push(...encoded);
  };
  int(count);
  for (const { name, calls, sums } of entries) {
    text(name);
    int(calls);
    int(sums.length);
    bytes.push(...new Uint8Array(Float32Array.from(sums).buffer));
  }
  if (chunks !== undefined) {
    int(chunks);
    text(dataset);
  }
  return Uint8Array.from(bytes);
}

/** An entry of an importance matrix in a GGUF file. */
export interface GgufEntry {
  /** Sums of squares, `[rows, columns]`. */
  sums: readonly number[];
  /** How often each row was called. */
  counts: readonly number[];
  /** Defaults to as many as there are counts. */
  rows?: number;
}

/** Writes an importance matrix as a GGUF file. */
export function importanceGguf(
  entries: Readonly<Record<string, GgufEntry>>,
  { type = "imatrix" }: { type?: string } = {},
): Uint8Array<ArrayBuffer> {
  const floats = (values: readonly number[]) =>
    new Uint8Array(Float32Array.from(values).buffer);
  return buildGguf({
    metadata: [
      ["general.type", string(type)],
      ["imatrix.datasets", array("string", ["wiki.txt"])],
      ["imatrix.chunk_count", u32(7)],
      ["imatrix.chunk_size", u32(512)],
    ],
    tensors: Object.entries(entries).flatMap(([name, entry]) => {
      const { sums, counts, rows = counts.length } = entry;
      return [
        {
          name: `${name}.in_sum2`,
          shape: [sums.length / rows, rows],
          format: "F32",
          data: floats(sums),
        },
        {
          name: `${name}.counts`,
          shape: [1, counts.length],
          format: "F32",
          data: floats(counts),
        },
      ];
    }),
  });
}
