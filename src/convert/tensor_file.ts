import type { ByteSource } from "../gguf/source.ts";

/** A tensor of a checkpoint, wherever its data lies. */
export interface CheckpointTensor {
  /** Its name, such as `"model.norm.weight"`. */
  readonly name: string;
  /** Type of its elements, as safetensors calls it. */
  readonly dtype: string;
  /** Its dimensions, the slowest first: `[rows, columns]`. */
  readonly shape: readonly number[];
  /** What its data is read from. */
  readonly source: ByteSource;
  /** Where its data starts, in bytes from the start of the source. */
  readonly offset: number;
  /** Bytes of its data. */
  readonly bytes: number;
}

/** The types of elements that safetensors has, with their bytes. */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E5M2", 1],
  ["F8_E4M3", 1],
  ["F8_E8M0", 1],
  ["I16", 2],
  ["U16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["I32", 4],
  ["U32", 4],
  ["F32", 4],
  ["I64", 8],
  ["U64", 8],
  ["F64", 8],
  ["C64", 8],
]);

/** Bytes of an element, `undefined` where there is no such type. */
export function dtypeBytes(dtype: string): number | undefined {
  return DTYPE_BYTES.get(dtype);
}

/** The types of elements there are. */
export function dtypeNames(): string {
  return [...DTYPE_BYTES.keys()].join(", ");
}

/**
 * Checks the shape of a tensor and counts its elements.
 *
 * @param shape What a file gives as its shape.
 * @returns The elements, `undefined` where it is no shape or has more than 2^53.
 */
export function countElements(shape: readonly unknown[]): number | undefined {
  let elements = 1n;
  for (const length of shape) {
    if (!isLength(length)) return undefined;
    elements *= BigInt(length);
  }
  const count = Number(elements);
  return Number.isSafeInteger(count) ? count : undefined;
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
