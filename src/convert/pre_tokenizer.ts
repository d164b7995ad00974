import { findPreTokenizer } from "../tokenizer/pre_tokenizers.ts";
import { describe, isObject, own } from "./json.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";

const CASES = "'s|'t|'re|'ve|'m|'ll|'d";
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const tiktoken = (digits: string) =>
  String
    .raw`(?i:${CASES})|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACES}`;
const CJK = "[一-龥ࠀ-一가-퟿]+";

/**
 * The ways in which a `tokenizer.json` splits text into words, by llama.cpp's
 * names for them. Each step is a pattern, or the name of a step of its own.
 */
const KNOWN: readonly [name: string, steps: readonly string[]][] = [
  ["gpt-2", ["words"]],
  [
    "gpt-2",
    [
      String.raw`${CASES}| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
    ],
  ],
  ["llama-bpe", [tiktoken(String.raw`\p{N}{1,3}`)]],
  ["qwen2", [tiktoken(String.raw`\p{N}`)]],
  ["smollm", ["digits", "words"]],
  [
    "tekken",
    [
      [
        String
          .raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`,
        String
          .raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`,
        String.raw`\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*`,
        SPACES,
      ].join("|"),
    ],
  ],
  [
    "deepseek-coder",
    [
      String.raw`[\r\n]`,
      String.raw`\s?\p{L}+`,
      String.raw`\s?\p{P}+`,
      CJK,
      "digits",
    ],
  ],
];

/** The steps of deepseek-llm list letters one by one; its ends tell enough. */
const DEEPSEEK_LLM: readonly string[] = [
  String.raw`[\r\n]`,
  String.raw`\s?[A-Za-zµ`,
  String.raw`\s?[!-/:-~`,
  String.raw`\s+$`,
  CJK,
  "digits",
];

/**
 * Finds llama.cpp's name for the way in which a tokenizer splits text.
 *
 * @param tokenizer The tokenizer, byte-level.
 * @param given The name to take where the user knows it. Defaults to none.
 * @returns The value of `tokenizer.ggml.pre`.
 * @throws {Error} If it is none that is known.
 */
export function preTokenizerName(
  tokenizer: TokenizerJson,
  given?: string,
): string {
  if (given !== undefined) {
    findPreTokenizer(given);
    return given;
  }
  const { json, label, ignoreMerges } = tokenizer;
  const steps = stepsOf(own(json, "pre_tokenizer"));
  const known = KNOWN.find(([, wanted]) => equal(steps, wanted))?.[0] ??
    (isDeepseekLlm(steps) ? "deepseek-llm" : undefined);
  if (known === undefined) {
    throw new Error(
      `Cannot convert "${label}": how it splits words is not known: ${
        describe(steps.join(" then "))
      }; llama.cpp's name for it is wanted as preTokenizer`,
    );
  }
  // The same words as Llama 3's, but merged.
  return known === "llama-bpe" && !ignoreMerges ? "smaug-bpe" : known;
}

/** The steps as texts, without those that only turn bytes into characters. */
function stepsOf(value: unknown): string[] {
  if (!isObject(value)) return [describe(value)];
  switch (own(value, "type")) {
    case "Sequence": {
      const steps = own(value, "pretokenizers");
      return Array.isArray(steps) ? steps.slice(0, 16).flatMap(stepsOf) : ["?"];
    }
    case "ByteLevel": {
      // It would put a space before a text, which GGUF files cannot say.
      if (own(value, "add_prefix_space") === true) return ["prefix"];
      return own(value, "use_regex") === false ? [] : ["words"];
    }
    case "Digits":
      return own(value, "individual_digits") === true
        ? ["digits"]
        : ["numbers"];
    case "Split": {
      const pattern = own(value, "pattern");
      const regex = isObject(pattern) ? own(pattern, "Regex") : undefined;
      const isolated = own(value, "behavior") === "Isolated" ||
        own(value, "behavior") === "Removed" && own(value, "invert") === true;
      return [typeof regex === "string" && isolated ? regex : "?"];
    }
    default:
      return [describe(own(value, "type"))];
  }
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i]);
}

function isDeepseekLlm(steps: readonly string[]): boolean {
  return steps.length === DEEPSEEK_LLM.length &&
    DEEPSEEK_LLM.every((start, i) => steps[i]!.startsWith(start));
}
