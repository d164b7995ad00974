/**
 * How text falls into words before byte-level BPE, by `tokenizer.ggml.pre`.
 *
 * The patterns are those that the models were trained with, in the form in which
 * llama.cpp runs them. `\p{L}`, `\p{N}`, `\p{P}`, `\p{S}` and `\p{M}` are the
 * classes of {@linkcode createClassTable} and must stand in brackets; a pattern
 * with other characters above ASCII cannot use them.
 *
 * @module
 */

/** A way to split text into words, and what else goes with its name. */
export interface PreTokenizer {
  /** Values of `tokenizer.ggml.pre` that stand for it. */
  readonly names: readonly string[];
  /**
   * The patterns in turn. Each splits the pieces that those before have left,
   * into what it matches and what lies in between.
   */
  readonly patterns: readonly string[];
  /** Whether a word that is a token is taken whole. Defaults to `false`. */
  readonly ignoreMerges?: boolean;
  /** Whether BOS is put first where the file does not say. Defaults to `false`. */
  readonly addBos?: boolean;
  /** Whether llama.cpp cleans decoded text. Defaults to `false`. */
  readonly cleanSpaces?: boolean;
}

// GPT-2, https://github.com/openai/gpt-2/blob/master/src/encoder.py
const GPT2 = String
  .raw`'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const ANY_CASE_CONTRACTION = String
  .raw`'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`;

// cl100k_base, https://github.com/openai/tiktoken; models differ in its digits
const tiktoken = (digits: string) =>
  [
    ANY_CASE_CONTRACTION,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{L}]+`,
    digits,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`,
    String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`,
  ].join("|");

const LLAMA3 = tiktoken(String.raw`[\p{N}]{1,3}`);
const QWEN2 = tiktoken(String.raw`[\p{N}]`);

// Mistral's Tekken. llama.cpp has no cases above ASCII: `\p{Lu}` is any letter
// but a to z, `\p{Ll}` any but A to Z.
const TEKKEN = [
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}]*[\p{Ll}]+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}]+[\p{Ll}]*`,
  String.raw`[\p{N}]`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`,
].join("|");

// DeepSeek's list of letters: Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee.
// Those above U+FFFF are "\u00b5" when patterns run, see WordSplitter.
const CASED = "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-" +
  "\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d" +
  "\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481" +
  "\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd" +
  "\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a" +
  "\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59" +
  "\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4" +
  "\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4" +
  "\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126" +
  "\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e" +
  "\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3" +
  "\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e" +
  "\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a";

// CJK and Hangul, and by a range from U+0800 all scripts that come before them.
const CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

/** Every pre-tokenizer that is known. */
export const PRE_TOKENIZERS: readonly PreTokenizer[] = [
  {
    names: ["gpt-2", "phi-2", "gigachat", "mpt", "olmo", "jais"],
    patterns: [GPT2],
    cleanSpaces: true,
  },
  {
    // Meta's Llama 3 and what was built on it
    names: [
      ...["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1"],
      ...["pixtral", "midm-2.0", "lfm2"],
    ],
    patterns: [LLAMA3],
    ignoreMerges: true,
    addBos: true,
    cleanSpaces: true,
  },
  {
    // the same words, but merged
    names: ["smaug-bpe", "dbrx"],
    patterns: [LLAMA3],
    cleanSpaces: true,
  },
  { names: ["qwen2", "deepseek-r1-qwen"], patterns: [QWEN2] },
  { names: ["stablelm2", "megrez"], patterns: [QWEN2], cleanSpaces: true },
  {
    names: ["deepseek-llm"],
    patterns: [
      "[\r\n]",
      `\\s?[${CASED}]+`,
      "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
      // `\s+$`, but sought from the start of white space alone
      String.raw`(?<!\s)\s+$`,
      CJK,
      String.raw`[\p{N}]+`,
    ],
  },
  {
    names: ["deepseek-coder"],
    patterns: [
      "[\r\n]",
      String.raw`\s?[\p{L}]+`,
      String.raw`\s?[\p{P}]+`,
      CJK,
      String.raw`[\p{N}]`,
    ],
  },
  {
    names: ["deepseek-v3"],
    patterns: [
      String.raw`[\p{N}]{1,3}`,
      "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
      [
        "[!-/:-@\\[-`{-~][A-Za-z]+",
        String.raw`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+`,
        String.raw` ?[\p{P}\p{S}]+[\r\n]*`,
        String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`,
      ].join("|"),
    ],
  },
  {
    // https://huggingface.co/tiiuae/falcon-7b
    names: ["falcon"],
    patterns: [String.raw`[\p{P}$+<=>^~|` + "`]+", GPT2, "[0-9][0-9][0-9]"],
    cleanSpaces: true,
  },
  {
    // BigCode: every digit is a word
    names: ["starcoder", "refact", "codeshell", "exaone", "minerva-7b"],
    patterns: [String.raw`[\p{N}]`, GPT2],
    cleanSpaces: true,
  },
  {
    names: ["smollm", "command-r"],
    patterns: [String.raw`[\p{N}]`, GPT2],
  },
  { names: ["tekken"], patterns: [TEKKEN], ignoreMerges: true, addBos: true },
  {
    // llama.cpp's own, for files that were made before there were names
    names: ["default"],
    patterns: [
      String.raw`[\p{P}$+<=>^~|]+`,
      GPT2,
      String.raw`[\p{N}]+`,
      "[0-9][0-9][0-9]",
    ],
    cleanSpaces: true,
  },
];

/**
 * Finds a pre-tokenizer.
 *
 * @param name The value of `tokenizer.ggml.pre`.
 * @returns The pre-tokenizer.
 * @throws {Error} If there is none of that name.
 */
export function findPreTokenizer(name: string): PreTokenizer {
  const found = PRE_TOKENIZERS.find(({ names }) => names.includes(name));
  if (found !== undefined) return found;
  const known = PRE_TOKENIZERS.flatMap(({ names }) => names).sort();
  throw new Error(
    `Cannot load tokenizer: tokenizer.ggml.pre is ${
      JSON.stringify(name)
    }, one of ${known.join(", ")} is wanted`,
  );
}
