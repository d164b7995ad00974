import type { GgufField } from "../gguf/field.ts";

/** GGUF's numbers for the types of tokens. */
export const TOKEN_TYPE = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The score of a token that was added to a vocabulary, as in llama.cpp. */
const ADDED_SCORE = -1000;
/** The score of an id without a token, as in llama.cpp. */
const PADDING_SCORE = -10000;

/** Texts of tokens that stand for something, though files may not say so. */
const LOOKS_SPECIAL =
  /^(?:<pad>|<mask>|<2mass>|\[@BOS@\]|<\|.*\|>|<\uff5c.*\uff5c>|<unused.*>)$/s;

/** The table of tokens that is being filled, an entry for each id. */
export class TokenTable {
  /** Each token's text. */
  readonly texts: string[];
  /** Each token's score. */
  readonly scores: Float32Array;
  /** Each token's type. */
  readonly types: Int32Array;

  /**
   * Creates a {@linkcode TokenTable} of ids that stand for nothing yet.
   *
   * @param size How many ids there are.
   */
  constructor(size: number) {
    this.texts = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
    this.scores = new Float32Array(size).fill(PADDING_SCORE);
    this.types = new Int32Array(size).fill(TOKEN_TYPE.unused);
  }

  /** How many ids there are. */
  get size(): number {
    return this.texts.length;
  }

  /** Sets a token; ids beyond the table have no embedding and are left out. */
  set(id: number, text: string, type: number, score: number): void {
    if (id >= this.size) return;
    this.texts[id] = text;
    this.types[id] = type;
    this.scores[id] = score;
  }

  /** Sets a token that was added to those that a model was made with. */
  add(id: number, text: string, special: boolean): void {
    const isControl = special || LOOKS_SPECIAL.test(text);
    this.set(
      id,
      // llama.cpp looks for the text as it stands, with spaces.
      isControl ? text : text.replaceAll("\u2581", " "),
      isControl ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined,
      ADDED_SCORE,
    );
  }

  /** The metadata of the table. */
  fields({ scores }: { scores: boolean }): GgufField[] {
    const key = (name: string) => `tokenizer.ggml.${name}`;
    return [
      { key: key("tokens"), type: "array", of: "string", value: this.texts },
      ...(scores
        ? [
          {
            key: key("scores"),
            type: "array",
            of: "f32",
            value: this.scores,
          } satisfies GgufField,
        ]
        : []),
      { key: key("token_type"), type: "array", of: "i32", value: this.types },
    ];
  }
}

/**
 * Finds two tokens of the same text.
 *
 * @param texts Each token's text.
 * @returns Their ids, `undefined` where all texts differ.
 */
export function findSameTexts(
  texts: readonly unknown[],
): [first: number, second: number] | undefined {
  const ids = new Map<unknown, number>();
  for (const [id, text] of texts.entries()) {
    const other = ids.get(text);
    if (other !== undefined) return [other, id];
    ids.set(text, id);
  }
}
