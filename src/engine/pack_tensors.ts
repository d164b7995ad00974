import { blockFormatByName } from "../gguf/formats.ts";
import type { GgufFile, TensorInfo } from "../gguf/reader.ts";
import type { PackedTensor } from "../model/pieces.ts";
import { type LlamaTensors, mapTensors } from "../model/tensors.ts";
import { planTensors } from "../quantize/plan.ts";
import { quantizationType } from "../quantize/types.ts";
import type { PackedType } from "./load_options.ts";

/** Formats that weights can be packed from without loss but their own. */
const FLOATS = ["F32", "F16", "BF16"];

/**
 * Decides which tensors are packed in another format while they are loaded: as
 * `quantizeFile()` does with `pure`. Every matrix takes the type's own format,
 * or where its rows are no whole blocks of that another one; vectors stay.
 *
 * @param file The file's header.
 * @param tensors The tensors found in it.
 * @param as The type.
 * @returns The tensors, of the formats that they are to have.
 * @throws {Error} If a matrix is quantized already.
 */
export function packTensors(
  file: GgufFile,
  tensors: LlamaTensors,
  as: PackedType,
): LlamaTensors {
  checkFloats(file, tensors, as);
  const type = quantizationType(as);
  const plans = planTensors(file, type, undefined, { pure: true });
  const formats = new Map(
    plans.map(({ tensor: { name }, format }) => [name, format]),
  );
  return mapTensors(tensors, (from) => {
    const name = formats.get(from.name)!;
    return name === from.format.name ? from : pack(from, name);
  });
}

/** Whether all matrices are floats, so that they can be packed. */
export function isOfFloats(tensors: LlamaTensors): boolean {
  return quantizedTensor(tensors) === undefined;
}

function pack(from: TensorInfo, name: string): PackedTensor {
  const format = blockFormatByName(name)!;
  const bytes = from.elements / format.blockSize * format.bytes;
  return { ...from, format, bytes, from };
}

function quantizedTensor(tensors: LlamaTensors): TensorInfo | undefined {
  let found: TensorInfo | undefined;
  mapTensors(tensors, (tensor) => {
    if (!FLOATS.includes(tensor.format.name)) found ??= tensor;
    return tensor;
  });
  return found;
}

function checkFloats(
  { label }: GgufFile,
  tensors: LlamaTensors,
  as: PackedType,
): void {
  const tensor = quantizedTensor(tensors);
  if (tensor === undefined) return;
  throw new Error(
    `Cannot load "${label}" as ${as}: tensor "${tensor.name}" is ${tensor.format.name} already, one of ${
      FLOATS.join(", ")
    } is wanted`,
  );
}
