import { BYTE_CHARACTERS } from "../src/tokenizer/byte_level.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";

/** GGUF's number of each token type. */
const NUMBERS = {
  normal: 1,
  unknown: 2,
  control: 3,
  "user-defined": 4,
  unused: 5,
  byte: 6,
} as const;

/** One token of a made vocabulary: text, type (normal) and score (0). */
export type MadeToken = readonly [
  text: string,
  type?: keyof typeof NUMBERS,
  score?: number,
];

/** Metadata of a tokenizer with the given tokens, and other keys over it. */
export function makeMetadata(
  tokens: readonly MadeToken[],
  others: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": tokens.map(([text]) => text),
    "tokenizer.ggml.scores": tokens.map(([, , score = 0]) => score),
    "tokenizer.ggml.token_type": tokens.map(([, type = "normal"]) =>
      NUMBERS[type]
    ),
    ...others,
  };
}

/** `<unk>`, `<s>` and `</s>`: ids 0 to 2 of most vocabularies. */
export const CONTROLS: readonly MadeToken[] = [
  ["<unk>", "unknown"],
  ["<s>", "control"],
  ["</s>", "control"],
];

/** The 256 byte tokens. */
export const BYTES: readonly MadeToken[] = Array.from(
  { length: 256 },
  (_, byte) => {
    const hex = byte.toString(16).toUpperCase().padStart(2, "0");
    return [`<0x${hex}>`, "byte"];
  },
);

/** What {@linkcode makeByteLevel} makes besides tokens for bytes. */
export interface MadeByteLevel {
  /** Merges in order, such as `"t h"`, in the alphabet of bytes. */
  merges?: readonly string[];
  /** Tokens behind those for bytes and merges. */
  tokens?: readonly MadeToken[];
  /** Bytes that have no token. Defaults to none. */
  without?: readonly number[];
  /** The pre-tokenizer's name. Defaults to `"gpt-2"`. */
  pre?: string;
  /** Keys over all others. */
  others?: Readonly<Record<string, unknown>>;
}

/**
 * Metadata of a byte-level BPE tokenizer: tokens for bytes (id = byte, where
 * there is one for each), then one for each merge, then others.
 */
export function makeByteLevel(
  { merges = [], tokens = [], without = [], pre = "gpt-2", others = {} }:
    MadeByteLevel,
): Record<string, unknown> {
  const bytes = BYTE_CHARACTERS.filter((_, byte) => !without.includes(byte));
  const made = new Set(merges.map((merge) => merge.replace(" ", "")));
  return makeMetadata(
    [...[...bytes, ...made].map((text): MadeToken => [text]), ...tokens],
    {
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": pre,
      "tokenizer.ggml.merges": merges,
      ...others,
    },
  );
}

/** Metadata of a GGUF file, named from the root of the project. */
export async function loadMetadata(
  path: string,
): Promise<Readonly<Record<string, unknown>>> {
  const file = new URL(`../${path}`, import.meta.url);
  await using source = await openSource(file);
  const { metadata } = await readGguf(source);
  return metadata;
}

/** A JSON file, named from the root of the project. */
export async function loadJson<T>(path: string): Promise<T> {
  const file = new URL(`../${path}`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(file));
}

/** A source of random integers below `n`: the same ones for the same seed. */
export function seededRandom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return Math.floor(((x ^ (x >>> 14)) >>> 0) / 2 ** 32 * n);
  };
}

/** A random character (code point) of any script. */
export function randomCharacter(random: (n: number) => number): string {
  const [start, length] = [
    [0x20, 95], // ASCII
    [0x20, 95],
    [0x20, 1], // spaces
    [0, 0x250], // controls, Latin
    [0x370, 0x400], // Greek, Cyrillic, Hebrew
    [0x300, 0x70], // combining marks
    [0x4e00, 0x5000], // Han
    [0xfe00, 0x200], // variation selectors, U+FEFF, U+FFFD
    [0x1f300, 0x400], // emoji
    [0xe000, 0x102000], // anything above the surrogates
  ][random(10)] as [number, number];
  return String.fromCodePoint(start + random(length));
}

/** A random text of up to `length` characters. */
export function randomText(
  random: (n: number) => number,
  length: number,
): string {
  return Array.from(
    { length: random(length + 1) },
    () => randomCharacter(random),
  ).join("");
}

/** One text of a tokenizer's goldens, and what llama.cpp makes of it. */
export interface TokenizerGolden {
  text: string;
  plain: number[];
  special: number[];
  bos: number[];
  // deno-lint-ignore camelcase -- the file's own names
  bos_special: number[];
  // deno-lint-ignore camelcase -- the file's own names
  bos_special_pieces_hex: string[];
  // deno-lint-ignore camelcase -- the file's own names
  detok_hex: string;
  // deno-lint-ignore camelcase -- the file's own names
  detok_hide_special_hex: string;
}
