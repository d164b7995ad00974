/**
 * Writes a GGUF file again with every quantized tensor as F16, so that F16 can
 * be compared on the shape of a model that exists only quantized.
 *
 *     deno run -A bench/peers/to_f16.ts IN.gguf OUT.gguf
 *
 * Weights are rounded to the nearest F16. F32, F16 and BF16 tensors and all
 * values stay as they are, but for `general.file_type`.
 *
 * @module
 */

import { readTensor } from "../../src/gguf/chunks.ts";
import { Cursor } from "../../src/gguf/cursor.ts";
import { type BlockFormat, blockFormatByName } from "../../src/gguf/formats.ts";
import { type HeaderScan, scanHeader } from "../../src/gguf/scan.ts";
import type { TensorInfo } from "../../src/gguf/scan_tensors.ts";
import { type ByteSource, openSource } from "../../src/gguf/source.ts";
import { CODECS } from "../../src/kernels/quant/codecs.ts";

const FIXED_BYTES = 24;
const UINT32 = 4;
const MOSTLY_F16 = 1;
const KEPT = new Set(["F32", "F16", "BF16"]);

/**
 * Writes the F16 form of a model.
 *
 * @param input Path of a GGUF file.
 * @param output Path of the new one, which must not exist.
 * @throws {TypeError} If a tensor's format has no codec.
 * @throws {RangeError} If a weight is too large for F16.
 */
export async function writeF16(input: string, output: string): Promise<void> {
  await using source = await openSource(input);
  const header = await scanHeader(new Cursor(source));
  const formats = header.tensors.map(targetFormat);
  const head = await headerBytes(source, header, formats);
  using file = await Deno.open(output, { write: true, createNew: true });
  try {
    const writer = file.writable.getWriter();
    await writer.write(head);
    for (const [i, tensor] of header.tensors.entries()) {
      for await (const { bytes } of readTensor(source, tensor)) {
        const kept = formats[i] === tensor.format;
        await writer.write(kept ? bytes.slice() : toF16(tensor, bytes));
      }
      const size = tensor.elements / formats[i]!.blockSize * formats[i]!.bytes;
      await writer.write(padding(size, header.alignment));
    }
    await writer.close();
  } catch (error) {
    // Half a model is worse than none.
    await Deno.remove(output);
    throw error;
  }
}

function targetFormat({ name, format }: TensorInfo): BlockFormat {
  if (KEPT.has(format.name)) return format;
  if (CODECS.has(format.name)) return blockFormatByName("F16")!;
  throw new TypeError(
    `Cannot write "${name}" as F16: it is ${format.name}, one of ${
      [...CODECS.keys()].join(", ")
    } is wanted`,
  );
}

function toF16(
  { name, format }: TensorInfo,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const weights = CODECS.get(format.name)!.dequantize(bytes);
  const halves = Float16Array.from(weights);
  const bad = halves.findIndex((half) => !Number.isFinite(half));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot write "${name}" as F16: it has ${weights[bad]}, ` +
        "at most 65504 is wanted",
    );
  }
  return new Uint8Array(halves.buffer);
}

/** The header with other formats and offsets, up to the first tensor's data. */
async function headerBytes(
  source: ByteSource,
  { tensors, values, alignment }: HeaderScan,
  formats: readonly BlockFormat[],
): Promise<Uint8Array<ArrayBuffer>> {
  const end = values.at(-1)?.end ?? FIXED_BYTES;
  const kept = new Uint8Array(end);
  await source.readInto(kept, 0);
  const type = values.find(({ key }) => key === "general.file_type");
  if (type?.type === UINT32) {
    new DataView(kept.buffer).setUint32(type.offset, MOSTLY_F16, true);
  }
  const parts = [kept];
  let offset = 0;
  let length = end;
  for (const [i, tensor] of tensors.entries()) {
    const entry = tensorEntry(tensor, formats[i]!, offset);
    parts.push(entry);
    length += entry.length;
    const size = tensor.elements / formats[i]!.blockSize * formats[i]!.bytes;
    offset += size + padding(size, alignment).length;
  }
  parts.push(padding(length, alignment));
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function tensorEntry(
  { name, shape }: TensorInfo,
  format: BlockFormat,
  offset: number,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(name);
  const entry = new Uint8Array(8 + text.length + 4 + 8 * shape.length + 4 + 8);
  const view = new DataView(entry.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  entry.set(text, 8);
  let at = 8 + text.length;
  view.setUint32(at, shape.length, true);
  at += 4;
  for (const dim of shape) {
    view.setBigUint64(at, BigInt(dim), true);
    at += 8;
  }
  view.setUint32(at, format.id, true);
  view.setBigUint64(at + 4, BigInt(offset), true);
  return entry;
}

function padding(length: number, alignment: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((alignment - length % alignment) % alignment);
}

if (import.meta.main) {
  const [input, output] = Deno.args;
  if (input === undefined || output === undefined || Deno.args.length > 2) {
    throw new TypeError("Cannot write F16: IN.gguf and OUT.gguf are wanted");
  }
  await writeF16(input, output);
}
