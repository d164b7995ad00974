import { quote } from "../gguf/quote.ts";
import type { GgufFile } from "../gguf/reader.ts";
import type { TensorInfo } from "../gguf/scan_tensors.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { ImportanceMatrix } from "./importance.ts";

const SUMS = ".in_sum2";
const COUNTS = ".counts";

/**
 * Reads an importance matrix in a GGUF file: tensors `<name>.in_sum2` of sums
 * of squares, `[experts, columns]`, and `<name>.counts` of how many were added,
 * `[experts]`.
 *
 * @param file The file's header.
 * @param source The file.
 * @returns The importance matrix.
 * @throws {SyntaxError} If it is a GGUF file of something else.
 * @throws {RangeError} If a tensor is missing or has another shape.
 * @throws {TypeError} If a tensor is not of 32-bit floats.
 */
export async function readImportanceGguf(
  { label, metadata, tensors }: GgufFile,
  source: ByteSource,
): Promise<ImportanceMatrix> {
  const type = metadata["general.type"];
  if (type !== "imatrix") {
    throw new SyntaxError(
      `Cannot read importance matrix "${label}": its general.type is ` +
        `${type === undefined ? "missing" : quote(String(type))}, ` +
        '"imatrix" is wanted',
    );
  }
  const entries = new Map<string, Float32Array>();
  for (const sums of tensors.values()) {
    if (!sums.name.endsWith(SUMS)) continue;
    const name = sums.name.slice(0, -SUMS.length);
    const counts = tensors.get(name + COUNTS);
    const columns = sums.shape[0]!;
    const rows = sums.elements / columns;
    if (counts === undefined || counts.elements !== rows) {
      throw new RangeError(
        `Cannot read importance matrix "${label}": entry ${quote(name)} has ` +
          `${counts?.elements ?? "no"} counts, ${rows} are wanted`,
      );
    }
    const read = (tensor: TensorInfo) => readFloats(label, tensor, source);
    entries.set(name, means(await read(sums), await read(counts)));
  }
  const datasets = metadata["imatrix.datasets"];
  const dataset = Array.isArray(datasets) ? datasets[0] : undefined;
  const chunks = metadata["imatrix.chunk_count"];
  return {
    label,
    dataset: typeof dataset === "string" ? dataset : undefined,
    chunks: typeof chunks === "number" ? chunks : 0,
    entries,
  };
}

/** Divides each row of sums by its count; what never ran matters as all does. */
function means(sums: Float32Array, counts: Float32Array): Float32Array {
  const columns = sums.length / counts.length;
  return sums.map((sum, i) => {
    const count = counts[Math.floor(i / columns)]!;
    return count > 0 ? sum / count : 1;
  });
}

async function readFloats(
  label: string,
  { name, format, offset, bytes, elements }: TensorInfo,
  source: ByteSource,
): Promise<Float32Array> {
  if (format.name !== "F32") {
    throw new TypeError(
      `Cannot read importance matrix "${label}": tensor ${quote(name)} is of ` +
        `type ${format.name}, F32 is wanted`,
    );
  }
  const data = new Uint8Array(bytes);
  await source.readInto(data, offset);
  const view = new DataView(data.buffer);
  return Float32Array.from(
    { length: elements },
    (_, i) => view.getFloat32(4 * i, true),
  );
}
