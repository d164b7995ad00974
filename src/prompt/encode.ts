import { SpecialTokenParser } from "../tokenizer/special_tokens.ts";
import type { EncodeOptions, Tokenizer } from "../tokenizer/tokenizer.ts";
import { Prompt, type PromptPartKind } from "./prompt.ts";
import { suggest } from "../system/suggest.ts";

/**
 * What a model can be asked to continue: text, which yields no special token;
 * token ids, taken as they are; or a {@linkcode Prompt}.
 */
export type PromptInput = string | readonly number[] | Prompt;

/** A text that is encoded as one, or an id, and where it comes from. */
export interface Atom {
  /** The text, or the id. */
  value: string | number;
  /** What put it there. */
  source: PromptPartKind | "bos" | "eos";
}

/**
 * Encodes a prompt. BOS is put first as the file says, unless the prompt begins
 * with it.
 *
 * ```ts
 * import { encodePrompt, loadTokenizer, prompt, special } from "@seraph/seraph";
 *
 * const tokenizer = await loadTokenizer("models/tiny-archangel-q8_0.gguf");
 * const ids = encodePrompt(tokenizer, prompt`Be ${special("<|good|>")}`);
 * console.assert(ids.at(-1) === tokenizer.specialId("<|good|>"));
 * ```
 *
 * @param tokenizer The model's tokenizer.
 * @param prompt The prompt.
 * @param options For text alone: whether special tokens are found in it, and
 * whether BOS is added.
 * @returns The ids.
 * @throws {RangeError} If the vocabulary has no special token of a name, or no
 * token of an id.
 * @throws {Error} As for `Tokenizer.encode()`.
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  prompt: PromptInput,
  options: EncodeOptions = {},
): number[] {
  if (typeof prompt === "string") return tokenizer.encode(prompt, options);
  if (!(prompt instanceof Prompt)) return checkIterable(prompt);
  const values = toAtoms(tokenizer, prompt, options).map(({ value }) => value);
  return tokenizer.encodeParts(values, { bos: false });
}

/**
 * Takes a prompt apart: neighbouring texts are one, special tokens are ids.
 *
 * @param tokenizer The model's tokenizer.
 * @param prompt The prompt.
 * @param options As for {@linkcode encodePrompt}.
 * @returns The atoms, with BOS and EOS where they are added.
 * @throws {RangeError} If the vocabulary has no special token of a name.
 */
export function toAtoms(
  tokenizer: Tokenizer,
  prompt: PromptInput,
  { special = false, bos }: EncodeOptions = {},
): Atom[] {
  const { addBos, addEos, bosId, eosId } = tokenizer.vocabulary;
  const atoms: Atom[] = [];
  if (typeof prompt === "string") {
    const kind = special ? "raw" : "text";
    addText(atoms, { tokenizer, kind, text: prompt });
    if (addEos && eosId !== undefined && bos !== false) {
      atoms.push({ value: eosId, source: "eos" });
    }
  } else if (prompt instanceof Prompt) {
    for (const { kind, text, ids } of prompt.parts) {
      if (kind === "special") {
        atoms.push({ value: findSpecial(tokenizer, text), source: kind });
      } else if (kind === "ids") {
        atoms.push(...ids.map((value): Atom => ({ value, source: kind })));
      } else {
        addText(atoms, { tokenizer, kind, text });
      }
    }
    if (atoms[0]?.value === bosId && bosId !== undefined) return atoms;
  } else {
    return checkIterable(prompt).map((value) => ({ value, source: "ids" }));
  }
  if (!(bos ?? addBos)) return atoms;
  const [first] = tokenizer.encodeParts([], { bos: true });
  return [{ value: first!, source: "bos" }, ...atoms];
}

function checkIterable(ids: readonly number[]): number[] {
  if (ids !== null && typeof ids === "object" && Symbol.iterator in ids) {
    return [...ids];
  }
  throw new TypeError(
    `Cannot encode prompt: it is ${
      ids === null ? "null" : `of type ${typeof ids}`
    }, text, ids or a Prompt is wanted`,
  );
}

/** Adds text, or what special parsing makes of it. */
function addText(
  atoms: Atom[],
  { tokenizer, kind, text }: {
    tokenizer: Tokenizer;
    kind: "text" | "raw";
    text: string;
  },
): void {
  const parts = kind === "text"
    ? [text]
    : new SpecialTokenParser(tokenizer.vocabulary).split(text);
  for (const value of parts) {
    const last = atoms.at(-1);
    if (typeof value === "string" && typeof last?.value === "string") {
      const source = last.source === kind ? kind : "text";
      atoms[atoms.length - 1] = { value: last.value + value, source };
    } else if (value !== "") {
      atoms.push({ value, source: kind });
    }
  }
}

/** The id of a special token; BOS and EOS are such whatever their type. */
function findSpecial(tokenizer: Tokenizer, name: string): number {
  const { tokens, bosId, eosId } = tokenizer.vocabulary;
  const id = tokenizer.specialId(name) ??
    [bosId, eosId].find((id) => id !== undefined && tokens[id] === name);
  if (id !== undefined) return id;
  const names = tokens.filter((_, id) => tokenizer.isSpecial(id));
  const near = suggest(name, names).map((one) => JSON.stringify(one));
  throw new RangeError(
    `Cannot encode prompt: the vocabulary has no special token ${
      JSON.stringify(name)
    }, ${
      near.length > 0
        ? `${near.join(" or ")} may be wanted`
        : `one of its ${names.length} is wanted`
    }`,
  );
}
