/**
 * Parts of real byte-level vocabularies, with texts as llama.cpp tokenizes them.
 *
 * `tests/fixtures/tokenizers/byte-level.json.gz` has for each pre-tokenizer the
 * bytes, tokens and merges that its texts can meet, under their ids in the whole
 * vocabulary. Ids and decoded texts are by llama.cpp c392e5094 (2025-02-20), those
 * of `deepseek-v3` by v0.5.0, which knows that `~` is a symbol. Where goldens were
 * published for a whole vocabulary, their 46 texts are among them with the same
 * ids; the others are random. `smollm`, `default` and `deepseek-v3` split for
 * GPT-2's vocabulary, `tekken` and `smaug-bpe` for Llama 3's.
 *
 * @module
 */

/** One text and what it gives. */
export interface ByteLevelCase {
  /** The text. */
  text: string;
  /** Its ids, special tokens not parsed, without BOS. */
  plain: number[];
  /** Its ids, special tokens parsed, without BOS. */
  special: number[];
  /** The ids of `special`, behind BOS where the file adds it, decoded. */
  shown: string;
  /** The same without special tokens. */
  hidden: string;
}

/** A part of a vocabulary. */
export interface ByteLevelFixture {
  /** Its name. */
  name: string;
  /** Its metadata; ids that no text meets are unused tokens. */
  metadata: Record<string, unknown>;
  /** The texts. */
  cases: ByteLevelCase[];
}

interface Packed {
  texts: string[];
  vocabularies: {
    name: string;
    size: number;
    keys: Record<string, unknown>;
    /** The first id, then the distance from each to the next. */
    ids: number[];
    types: string;
    tokens: string[];
    merges: string[];
    /** Text or its index, `plain`, and the rest where it differs. */
    cases: [string | number, number[], number[]?, string?, string?][];
  }[];
}

const FILE = new URL("fixtures/tokenizers/byte-level.json.gz", import.meta.url);
const UNUSED = 5;

/** Loads the fixtures. */
export async function loadByteLevelFixtures(): Promise<ByteLevelFixture[]> {
  using file = await Deno.open(FILE);
  const stream = file.readable.pipeThrough(new DecompressionStream("gzip"));
  const { texts, vocabularies } = await new Response(stream).json() as Packed;
  return vocabularies.map((packed) => ({
    name: packed.name,
    metadata: unpack(packed),
    cases: packed.cases.map(
      ([at, plain, special = plain, shown, hidden]) => {
        const text = typeof at === "number" ? texts[at]! : at;
        return {
          text,
          plain,
          special,
          shown: shown ?? text,
          hidden: hidden ?? text,
        };
      },
    ),
  }));
}

function unpack(
  { size, keys, ids, types, tokens, merges }: Packed["vocabularies"][number],
): Record<string, unknown> {
  const allTokens = Array.from({ length: size }, (_, id) => `unused ${id}`);
  const allTypes = Array<number>(size).fill(UNUSED);
  let id = 0;
  for (const [i, distance] of ids.entries()) {
    id += distance;
    allTokens[id] = tokens[i]!;
    allTypes[id] = Number(types[i]);
  }
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": allTokens,
    "tokenizer.ggml.token_type": allTypes,
    "tokenizer.ggml.merges": merges,
    ...Object.fromEntries(
      Object.entries(keys).map((
        [key, value],
      ) => [`tokenizer.ggml.${key}`, value]),
    ),
  };
}
