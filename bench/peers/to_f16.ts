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
import type { GgufField } from "../../src/gguf/field.ts";
import { type BlockFormat, blockFormatByName } from "../../src/gguf/formats.ts";
import type { TensorInfo } from "../../src/gguf/scan_tensors.ts";
import { openSource } from "../../src/gguf/source.ts";
import { readTypedGguf } from "../../src/gguf/typed_reader.ts";
import { GgufWriter } from "../../src/gguf/writer.ts";
import { CODECS } from "../../src/kernels/quant/codecs.ts";

const MOSTLY_F16 = 1;
const KEPT = new Set(["F32", "F16", "BF16"]);

/**
 * Writes the F16 form of a model.
 *
 * @param input Path of a GGUF file.
 * @param output Path of the new one.
 * @throws {TypeError} If a tensor's format has no codec.
 * @throws {RangeError} If a weight is too large for F16.
 */
export async function writeF16(input: string, output: string): Promise<void> {
  await using source = await openSource(input);
  const { fields, tensors } = await readTypedGguf(source);
  await using writer = await GgufWriter.create(output, {
    fields: fields.map(withF16),
    tensors: tensors.map((tensor) => ({
      ...tensor,
      format: targetFormat(tensor),
    })),
  });
  for (const [i, tensor] of tensors.entries()) {
    const isKept = writer.tensors[i]!.format === tensor.format;
    for await (const { bytes } of readTensor(source, tensor)) {
      await writer.write(tensor.name, isKept ? bytes : toF16(tensor, bytes));
    }
  }
  await writer.finish();
}

function withF16(field: GgufField): GgufField {
  return field.key === "general.file_type"
    ? { key: field.key, type: "u32", value: MOSTLY_F16 }
    : field;
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

if (import.meta.main) {
  const [input, output] = Deno.args;
  if (input === undefined || output === undefined || Deno.args.length > 2) {
    throw new TypeError("Cannot write F16: IN.gguf and OUT.gguf are wanted");
  }
  await writeF16(input, output);
}
