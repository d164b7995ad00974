/**
 * Vocabularies that the tests of this folder share.
 *
 * @module
 */

import { readGguf } from "../gguf/reader.ts";
import { openSource } from "../gguf/source.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";

type Metadata = Record<string, unknown>;

const FILES = {
  tiny: "../../models/tiny-archangel-q8_0.gguf",
  llama: "../../tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf",
  phi3: "../../tests/fixtures/tokenizers/ggml-vocab-phi-3.gguf",
};
const CONTROL = 3;
const USER_DEFINED = 4;

async function readMetadata(
  name: keyof typeof FILES,
): Promise<Metadata> {
  await using source = await openSource(new URL(FILES[name], import.meta.url));
  return { ...(await readGguf(source)).metadata };
}

const tiny = await readMetadata("tiny");
const llama = await readMetadata("llama");
const phi3 = await readMetadata("phi3");

/** The template of tiny-archangel. */
export const TINY_TEMPLATE = String(tiny["tokenizer.chat_template"]);
/** The Llama vocabulary with `<|good|>` and `<|bad|>`. */
export const TINY = Tokenizer.fromMetadata(tiny);
/** The Llama vocabulary. */
export const LLAMA = Tokenizer.fromMetadata(llama);

/** Phi-3's vocabulary: `<|user|>` and the like are control tokens. */
export const PHI3 = Tokenizer.fromMetadata(phi3);
/** Phi-3's template. */
export const PHI3_TEMPLATE = String(phi3["tokenizer.chat_template"]);

/** Makes a tokenizer of the Llama vocabulary with more tokens, or changes. */
export function createTokenizer(
  tokens: { control?: string[]; userDefined?: string[] },
  changes: Metadata = {},
): Tokenizer {
  const { control = [], userDefined = [] } = tokens;
  const added = [...control, ...userDefined];
  const append = (key: string, values: unknown[]) =>
    Array.from(llama[key] as ArrayLike<unknown>).concat(values);
  return Tokenizer.fromMetadata({
    ...llama,
    "tokenizer.ggml.tokens": append("tokenizer.ggml.tokens", added),
    "tokenizer.ggml.scores": append(
      "tokenizer.ggml.scores",
      added.map(() => 0),
    ),
    "tokenizer.ggml.token_type": append("tokenizer.ggml.token_type", [
      ...control.map(() => CONTROL),
      ...userDefined.map(() => USER_DEFINED),
    ]),
    ...changes,
  });
}
