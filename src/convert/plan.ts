import { blockFormatByName } from "../gguf/formats.ts";
import type { PlannedTensor } from "../gguf/layout.ts";
import { quote } from "../gguf/quote.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { ImportanceMatrix } from "../quantize/importance.ts";
import { planTensors } from "../quantize/plan.ts";
import type { QuantizationType } from "../quantize/types.ts";
import type { CheckpointConfig } from "./config.ts";
import { isIgnored, llamaRoles, type TensorRole } from "./names.ts";
import type { CheckpointTensor } from "./tensor_file.ts";

/** What becomes of a tensor of a checkpoint. */
export interface TensorConversion extends PlannedTensor {
  /** Where its weights come from. */
  readonly from: CheckpointTensor;
  /** Heads whose rows are put in another order; 0 where rows stay. */
  readonly heads: number;
  /** The format that was meant for it, if its rows are no whole blocks of that. */
  readonly meant: string;
  /** How much its columns matter, `[columns]`, if that is known. */
  readonly importance: Float32Array | undefined;
}

/** What else {@linkcode planConversion} goes by. */
export interface PlanConversionOptions {
  /** The importance matrix. Defaults to none. */
  matrix?: ImportanceMatrix | undefined;
  /** Divisors of the rotary frequencies, `[headDim / 2]`. Default to none. */
  frequencies?: Float32Array | undefined;
}

/** A tensor, and what it is to the model. */
interface Found {
  readonly from: CheckpointTensor;
  readonly role: TensorRole;
}

/** The tensor that no checkpoint has. */
export const CALCULATED = "rope_freqs.weight";

/** The types that weights can be of, by safetensors' names. */
const WEIGHT_TYPES: readonly string[] = ["F32", "F16", "BF16", "F64"];

/**
 * Decides what becomes of each tensor of a checkpoint.
 *
 * @param tensors The checkpoint's tensors by name.
 * @param config Its configuration.
 * @param type What its matrices become; all else is F32.
 * @param options Importance, and what is calculated.
 * @returns The tensors, ordered by layer and name as llama.cpp's quantizer
 * orders them: its mixes of formats count layers in that order.
 * @throws {Error} If a tensor is missing, has another shape or is none that a
 * Llama has: each by name.
 * @throws {TypeError} If a tensor is not of floats.
 */
export function planConversion(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  config: CheckpointConfig,
  type: QuantizationType,
  { matrix, frequencies }: PlanConversionOptions = {},
): TensorConversion[] {
  const all = [
    ...findTensors(tensors, config),
    ...(frequencies === undefined ? [] : [calculated(frequencies)]),
  ];
  const found = new Map(all.map((found) => [found.role.name, found]));
  const { label, layers, heads, kvHeads } = config;
  const file = {
    label,
    metadata: {
      "general.architecture": "llama",
      "llama.block_count": layers,
      "llama.attention.head_count": heads,
      "llama.attention.head_count_kv": kvHeads,
    },
    tensors: new Map(
      Array.from(found, ([name, { from }]) => [name, asInfo(name, from)]),
    ),
  };
  return planTensors(file, type, matrix).map(
    ({ tensor: { name, shape }, format, meant, importance }) => {
      const { from, role } = found.get(name)!;
      return {
        name,
        shape,
        format: blockFormatByName(format)!,
        meant,
        importance,
        heads: role.heads === undefined ? 0 : config[role.heads],
        from,
      };
    },
  );
}

/** What no checkpoint has is read from memory. */
function calculated(frequencies: Float32Array): Found {
  const name = CALCULATED;
  const bytes = new Uint8Array(frequencies.buffer);
  const source: ByteSource = {
    label: name,
    size: bytes.length,
    readInto(target, offset) {
      target.set(bytes.subarray(offset, offset + target.length));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const shape = [frequencies.length];
  const place = { offset: 0, bytes: bytes.length };
  return {
    from: { name, dtype: "F32", shape, source, ...place },
    role: { name, shape: [] },
  };
}

/**
 * A tensor as a GGUF file would have it that is not quantized yet. Vectors are
 * F32 and stay so: llama.cpp takes norms as nothing else.
 */
function asInfo(name: string, { shape, bytes }: CheckpointTensor): TensorInfo {
  return {
    name,
    shape: shape.toReversed(),
    format: blockFormatByName("F32")!,
    elements: shape.reduce((product, length) => product * length, 1),
    offset: 0,
    bytes,
  };
}

function findTensors(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  config: CheckpointConfig,
): Found[] {
  const { label, layers, tied } = config;
  if (layers > tensors.size) {
    throw new RangeError(
      `Cannot convert "${label}": it has ${layers} layers, and the files ` +
        `${tensors.size} tensors`,
    );
  }
  const roles = llamaRoles(layers);
  // As in transformers, the head is the embedding whatever else the files have.
  if (tied) roles.delete("lm_head.weight");
  const found: Found[] = [];
  for (const [name, role] of roles) {
    const from = tensors.get(name);
    if (from === undefined) {
      throw new Error(
        `Cannot convert "${label}": tensor ${quote(name)} is missing`,
      );
    }
    checkTensor(from, role, config);
    found.push({ from, role });
  }
  for (const name of tensors.keys()) {
    const isKnown = roles.has(name) || isIgnored(name) ||
      (tied && name === "lm_head.weight");
    if (isKnown) continue;
    // What is left would be lost, and the answers quietly wrong.
    throw new Error(
      `Cannot convert "${label}": tensor ${quote(name)} is none that a ` +
        `Llama of ${layers} layers has`,
    );
  }
  return found;
}

function checkTensor(
  { name, shape, dtype }: CheckpointTensor,
  role: TensorRole,
  config: CheckpointConfig,
): void {
  const wanted = role.shape.map((key) => config.shape[key]);
  if (shape.join() !== wanted.join()) {
    throw new RangeError(
      `Cannot convert "${config.label}": tensor ${quote(name)} has the shape ` +
        `[${shape.join(", ")}], [${wanted.join(", ")}] is wanted`,
    );
  }
  if (WEIGHT_TYPES.includes(dtype)) return;
  throw new TypeError(
    `Cannot convert "${config.label}": tensor ${quote(name)} is of ${dtype}, ` +
      `one of ${WEIGHT_TYPES.join(", ")} is wanted`,
  );
}
