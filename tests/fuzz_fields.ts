import type { GgufField, GgufValue } from "../src/gguf/field.ts";
import { BLOCK_FORMATS } from "../src/gguf/formats.ts";
import {
  type GgufPlan,
  layOutGguf,
  type PlannedTensor,
} from "../src/gguf/layout.ts";
import type { TypedGguf } from "../src/gguf/typed_reader.ts";
import type { Random } from "./gguf_mutate.ts";

/** Values that no key has room for, or none of its type. */
const AWKWARD: readonly GgufValue[] = [
  { type: "u32", value: 0 },
  { type: "u32", value: 1 },
  { type: "u32", value: 3 },
  { type: "u32", value: 2 ** 32 - 1 },
  { type: "i32", value: -1 },
  { type: "u64", value: 2n ** 63n },
  { type: "f32", value: NaN },
  { type: "f32", value: Infinity },
  { type: "f32", value: -1 },
  { type: "f32", value: 0 },
  { type: "f64", value: 1e300 },
  { type: "bool", value: true },
  { type: "string", value: "" },
  { type: "string", value: "llama" },
  { type: "string", value: "gpt2" },
  { type: "string", value: Uint8Array.of(0xff) },
  { type: "array", of: "string", value: [] },
  { type: "array", of: "string", value: ["a", "", "\u0000"] },
  { type: "array", of: "u32", value: [0, 2 ** 32 - 1] },
  { type: "array", of: "f32", value: [NaN, -0] },
  { type: "array", of: "u64", value: [2n ** 60n] },
  { type: "array", of: "array", value: [] },
];

/** Keys that a reader may look for, and a file may not have. */
const MORE_KEYS = [
  "llama.rope.scaling.type",
  "llama.rope.scaling.factor",
  "llama.attention.key_length",
  "llama.attention.sliding_window",
  "llama.expert_count",
  "tokenizer.ggml.bos_token_id",
  "tokenizer.ggml.add_eos_token",
  "tokenizer.ggml.merges",
  "tokenizer.chat_template",
  "split.count",
  "__proto__",
];

/**
 * Makes a file whose header is in order and whose values are not: keys have
 * other values, types and lengths, and tensors other shapes and formats.
 *
 * @param file A valid file.
 * @param random Where chance comes from.
 * @returns The header, with the zeros that belong behind it.
 */
export async function breakFields(
  { fields, tensors }: Pick<TypedGguf, "fields" | "tensors">,
  random: Random,
): Promise<Uint8Array<ArrayBuffer>> {
  let plan: GgufPlan = { fields, tensors };
  const times = 1 + below(3, random);
  for (let i = 0; i < times; i++) {
    plan = random() < 0.75
      ? { ...plan, fields: changeField(plan.fields, random) }
      : { ...plan, tensors: changeTensor(plan.tensors, random) };
  }
  const { header, dataOffset } = await layOutGguf(plan);
  const bytes = new Uint8Array(dataOffset);
  bytes.set(header);
  return bytes;
}

function changeField(
  fields: readonly GgufField[],
  random: Random,
): readonly GgufField[] {
  const value = AWKWARD[below(AWKWARD.length, random)]!;
  if (random() < 0.2) {
    const key = MORE_KEYS[below(MORE_KEYS.length, random)]!;
    return [
      ...fields.filter((field) => field.key !== key),
      { key, ...value } as GgufField,
    ];
  }
  const at = below(fields.length, random);
  const field = fields[at];
  if (field === undefined) return fields;
  const kind = random();
  if (kind < 0.2) return fields.toSpliced(at, 1);
  if (kind < 0.5 && field.type === "array") {
    return fields.with(at, shorten(field, random));
  }
  return fields.with(at, { key: field.key, ...value } as GgufField);
}

/** An array of another length: a part of it, or more of the same. */
function shorten(
  field: GgufField & { type: "array" },
  random: Random,
): GgufField {
  const list = Array.from(field.value as ArrayLike<unknown>);
  const value = random() < 0.5
    ? list.slice(0, below(list.length + 1, random))
    : [...list, ...list.slice(0, 1 + below(3, random))];
  return { ...field, value } as GgufField;
}

function changeTensor(
  tensors: readonly PlannedTensor[],
  random: Random,
): readonly PlannedTensor[] {
  const at = below(tensors.length, random);
  const tensor = tensors[at];
  if (tensor === undefined) return tensors;
  const kind = random();
  if (kind < 0.25) return tensors.toSpliced(at, 1);
  if (kind < 0.5) {
    const other = tensors[below(tensors.length, random)]!;
    return tensors.with(at, { ...other, name: tensor.name });
  }
  const blocks = BLOCK_FORMATS.filter(({ blockSize }) =>
    tensor.shape[0]! % blockSize === 0
  );
  if (kind < 0.75) {
    const format = blocks[below(blocks.length, random)]!;
    return tensors.with(at, { ...tensor, format });
  }
  const shape = [...tensor.shape, 1].slice(0, 1 + below(3, random));
  return tensors.with(at, {
    ...tensor,
    shape: shape.map((dim, i) => i > 0 && random() < 0.5 ? dim + 1 : dim),
  });
}

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}
