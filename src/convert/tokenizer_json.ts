import { describe, isObject, type JsonObject, own } from "./json.ts";

/** A token that was added to a vocabulary. */
export interface AddedToken {
  /** Its number. */
  readonly id: number;
  /** Its text. */
  readonly text: string;
  /** Whether it stands for something other than its text. */
  readonly special: boolean;
}

/** What stands in a `tokenizer.json`. */
export interface TokenizerJson {
  /** What errors call the file. */
  readonly label: string;
  /** All of it. */
  readonly json: JsonObject;
  /** The ids of the model's tokens, by text. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Pairs that are merged, best first. */
  readonly merges: readonly (readonly [string, string])[];
  /** Whether characters without a token fall into bytes: SentencePiece. */
  readonly byteFallback: boolean;
  /** Whether a word that is a token is taken whole. */
  readonly ignoreMerges: boolean;
  /** Text of the token for what no token can spell. */
  readonly unknown: string | undefined;
  /** Tokens besides those of the model, or of the same ids. */
  readonly added: readonly AddedToken[];
}

/** What a GGUF file can hold. */
const MAX_TOKENS = 1e6;

/**
 * Reads the parts of a `tokenizer.json` that a GGUF file has.
 *
 * @param json What stands in it.
 * @param label What errors call the file.
 * @returns The tokens and merges, checked.
 * @throws {Error} If its model is no byte pair encoding.
 * @throws {TypeError} If a value is of another type.
 * @throws {RangeError} If an id makes no sense.
 */
export function readTokenizerJson(
  json: JsonObject,
  label: string,
): TokenizerJson {
  const fail = (what: string, value: unknown, wanted: string): never => {
    throw new TypeError(
      `Cannot read "${label}": ${what} is ${
        describe(value)
      }, ${wanted} is wanted`,
    );
  };
  const model = own(json, "model");
  if (!isObject(model)) return fail("model", model, "an object");
  const type = own(model, "type");
  if (type !== undefined && type !== "BPE") {
    throw new Error(
      `Cannot convert "${label}": its model is ${describe(type)}, ` +
        '"BPE" is wanted',
    );
  }
  const vocab = own(model, "vocab");
  if (!isObject(vocab)) return fail("model.vocab", vocab, "an object");
  const entries = Object.entries(vocab);
  const vocabulary = new Map<string, number>();
  for (const [text, id] of entries) {
    if (!isId(id)) fail(`the id of ${describe(text)}`, id, "one below 1000000");
    vocabulary.set(text, id as number);
  }
  const unknown = own(model, "unk_token");
  return {
    label,
    json,
    vocabulary,
    merges: readMerges(own(model, "merges"), fail),
    byteFallback: own(model, "byte_fallback") === true,
    ignoreMerges: own(model, "ignore_merges") === true,
    unknown: typeof unknown === "string" ? unknown : undefined,
    added: readAdded(own(json, "added_tokens"), fail),
  };
}

type Fail = (what: string, value: unknown, wanted: string) => never;

/** Tells whether a value is a token's id. */
export function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) < MAX_TOKENS;
}

/** Each is a text with a space in it or, of late, a pair. */
function readMerges(value: unknown, fail: Fail): [string, string][] {
  if (!Array.isArray(value)) return fail("model.merges", value, "an array");
  return value.map((merge, rank): [string, string] => {
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair = Array.isArray(pair) && pair.length === 2 &&
      typeof pair[0] === "string" && typeof pair[1] === "string";
    return isPair
      ? pair as [string, string]
      : fail(`merge ${rank}`, merge, "a pair of texts");
  });
}

function readAdded(value: unknown, fail: Fail): AddedToken[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return fail("added_tokens", value, "an array");
  return value.map((token, i) => {
    if (!isObject(token)) return fail(`added token ${i}`, token, "an object");
    const id = own(token, "id");
    if (!isId(id)) return fail(`the id of added token ${i}`, id, "a number");
    const text = own(token, "content");
    if (typeof text !== "string") {
      return fail(`the content of added token ${i}`, text, "a text");
    }
    return { id, text, special: own(token, "special") === true };
  });
}
