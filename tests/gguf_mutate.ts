import {
  array,
  bool,
  buildGguf,
  f32,
  f32Tensor,
  nested,
  scalar,
  string,
  u32,
} from "./gguf_builder.ts";

/** A source of numbers from 0 to 1, the same for the same seed. */
export type Random = () => number;

/** Makes a {@linkcode Random} (a 32-bit Weyl sequence, mixed). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Small valid files that together have every kind of entry. */
export function smallFiles(): Uint8Array<ArrayBuffer>[] {
  return [
    buildGguf({
      alignment: 16,
      metadata: {
        "general.architecture": string("llama"),
        "tokenizer.ggml.tokens": array("string", ["<unk>", "\ufeff", "▁a"]),
        "tokenizer.ggml.scores": array("f32", [0, -1, -2]),
        "llama.block_count": u32(2),
        "llama.rope.freq_base": f32(10000),
        "tokenizer.ggml.add_bos_token": bool(true),
      },
      tensors: [
        f32Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6]),
        { name: "b", shape: [64, 2], format: "Q4_0" },
        { name: "c", shape: [1], format: "F16" },
      ],
    }),
    buildGguf({
      version: 2,
      metadata: {
        a: nested([array("u8", [1, 2]), array("u8", [])]),
        b: nested([nested([nested([array("string", ["x", ""])])])]),
        c: scalar("u64", 2n ** 60n),
        d: array("i64", [-1, 2]),
        e: scalar("f64", 0.5),
      },
      pad: false,
    }),
    buildGguf({ tensors: [{ name: "t", shape: [256], format: "Q6_K" }] }),
  ];
}

/**
 * Breaks a file in one to four places: bits are flipped, numbers replaced by
 * awkward ones, ranges cut out, repeated or taken from another file.
 *
 * @param file The file, left as it is.
 * @param others The files to take ranges from.
 * @param random Where chance comes from.
 * @returns The broken file.
 */
export function mutate(
  file: Uint8Array,
  others: readonly Uint8Array[],
  random: Random,
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(file);
  const times = 1 + Math.floor(random() * 4);
  for (let i = 0; i < times && bytes.length > 0; i++) {
    const kind = Math.floor(random() * MUTATIONS.length);
    bytes = MUTATIONS[kind]!(bytes, random, others);
  }
  return bytes;
}

type Mutation = (
  bytes: Uint8Array<ArrayBuffer>,
  random: Random,
  others: readonly Uint8Array[],
) => Uint8Array<ArrayBuffer>;

const AWKWARD = [0n, 1n, 0xffn, 2n ** 31n, 2n ** 32n - 1n, 2n ** 60n, -1n];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    bytes[below(bytes.length, random)]! ^= 1 << below(8, random);
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[below(bytes.length, random)] = below(256, random);
    return bytes;
  },
  function setNumber(bytes, random) {
    const number = AWKWARD[below(AWKWARD.length, random)]!;
    const size = random() < 0.5 ? 4 : 8;
    const at = below(Math.max(1, bytes.length - size), random);
    for (let i = 0; i < size && at + i < bytes.length; i++) {
      bytes[at + i] = Number((number >> BigInt(8 * i)) & 0xffn);
    }
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.slice(0, below(bytes.length, random));
  },
  function cutRange(bytes, random) {
    const [start, end] = range(bytes, random);
    return join(bytes.subarray(0, start), bytes.subarray(end));
  },
  function repeatRange(bytes, random) {
    const [start, end] = range(bytes, random);
    return join(bytes.subarray(0, end), bytes.subarray(start));
  },
  function spliceOther(bytes, random, others) {
    const other = others[below(others.length, random)]!;
    const start = below(bytes.length, random);
    return join(
      bytes.subarray(0, start),
      other.subarray(below(other.length, random)),
    );
  },
];

function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function range(bytes: Uint8Array, random: Random): [number, number] {
  const start = below(bytes.length, random);
  return [start, Math.min(bytes.length, start + 1 + below(64, random))];
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
