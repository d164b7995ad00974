import { checkIds } from "../model/check_ids.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ContinuationOptions } from "./continuations.ts";

/** Continuations of the same tokens. */
export interface SplitGroup {
  /** The tokens that they continue, at least one. */
  prefix: readonly number[];
  /** How many the prompt has lost at its start. */
  dropped: number;
  /** The continuations, by their places among all. */
  continuations: { index: number; ids: readonly number[] }[];
}

/** What {@linkcode splitContinuations} works with. */
export interface SplitOptions
  extends Pick<ContinuationOptions, "bos" | "special" | "truncate"> {
  /** The model's tokenizer. */
  tokenizer: Tokenizer;
  /** Positions that the model can attend to. */
  context: number;
}

/**
 * Turns a prompt and its continuations into tokens, as lm-evaluation-harness does:
 * white space at the end of the prompt goes to the continuation, both are encoded
 * as one text, and what is longer than the prompt alone is the continuation.
 *
 * @param prompt Text, or ids that are taken as they are.
 * @param continuations Texts or ids. Behind ids a text is encoded by itself, and
 * behind a text ids follow all of it.
 * @param options The tokenizer, and what fits.
 * @returns The continuations by what they continue.
 * @throws {RangeError} If a continuation has no token, one is out of range, or
 * they do not fit into the context.
 * @throws {Error} If BOS or EOS is needed, and the vocabulary has none.
 */
export function splitContinuations(
  prompt: string | readonly number[],
  continuations: readonly (string | readonly number[])[],
  options: SplitOptions,
): SplitGroup[] {
  const groups = new Map<string, SplitGroup>();
  const splitter = createSplitter(prompt, options);
  for (const [index, continuation] of continuations.entries()) {
    const { prefix, ids, kind } = splitter(continuation, index);
    const dropped = excess(prefix, ids, { index, ...options });
    const key = `${kind} ${dropped}`;
    const group = groups.get(key) ?? {
      prefix: dropFirst(prefix, dropped, options.tokenizer),
      dropped,
      continuations: [],
    };
    groups.set(key, group);
    group.continuations.push({ index, ids });
  }
  return [...groups.values()];
}

/** A prompt and a continuation in tokens; prefixes of one kind are equal. */
interface Split {
  prefix: readonly number[];
  ids: readonly number[];
  kind: string;
}

function createSplitter(
  prompt: string | readonly number[],
  options: SplitOptions,
): (continuation: string | readonly number[], index: number) => Split {
  const { tokenizer, special = false } = options;
  const { bos = tokenizer.vocabulary.addBos } = options;
  const { size } = tokenizer;
  // EOS, which some files ask for, belongs behind the whole text at most.
  const encode = (text: string) =>
    tokenizer.encode(text, { special, bos: false });
  const begun = (ids: readonly number[]) => {
    if (bos) return [firstId(tokenizer, "BOS"), ...ids];
    return ids.length > 0 ? ids : [firstId(tokenizer, "EOS")];
  };
  if (typeof prompt !== "string") {
    checkIds("score", prompt, size);
    const prefix = prompt.length > 0 ? prompt : begun([]);
    return (continuation, index) => {
      const ids = typeof continuation !== "string"
        ? continuation
        : tokenizer.encodeParts([...prefix, continuation], { bos: false })
          .slice(prefix.length);
      checkContinuation(ids, continuation, { index, size });
      return { prefix, ids, kind: "ids" };
    };
  }
  const end = trimmedEnd(prompt);
  const context = encode(prompt.slice(0, end));
  const textPrefix = begun(context);
  let wholePrefix: readonly number[] | undefined;
  return (continuation, index) => {
    if (typeof continuation !== "string") {
      checkContinuation(continuation, continuation, { index, size });
      wholePrefix ??= begun(encode(prompt));
      return { prefix: wholePrefix, ids: continuation, kind: "ids" };
    }
    const ids = encode(prompt + continuation).slice(context.length);
    checkContinuation(ids, continuation, { index, size });
    return { prefix: textPrefix, ids, kind: "text" };
  };
}

function firstId(tokenizer: Tokenizer, name: "BOS" | "EOS"): number {
  const id = name === "BOS" ? tokenizer.bosId : tokenizer.eosId;
  if (id !== undefined) return id;
  throw new Error(
    `Cannot score: the prompt begins with ${name}, which the vocabulary does not have`,
  );
}

function checkContinuation(
  ids: readonly number[],
  continuation: string | readonly number[],
  { index, size }: { index: number; size: number },
): void {
  if (!(Symbol.iterator in Object(ids))) {
    throw new TypeError(
      `Cannot score: continuation ${index} is ${
        JSON.stringify(continuation)
      }, a text or ids are wanted`,
    );
  }
  if (ids.length === 0) {
    throw new RangeError(
      `Cannot score: continuation ${index} is ${
        JSON.stringify(continuation)
      }, which adds no token to the prompt, at least one is wanted`,
    );
  }
  checkIds(`score continuation ${index}`, ids, size);
}

/** How many tokens a prefix has to lose. */
function excess(
  prefix: readonly number[],
  ids: readonly number[],
  { index, context, truncate = false, tokenizer }: SplitOptions & {
    index: number;
  },
): number {
  // The last token takes no room: nothing comes after it.
  const most = context + 1 - ids.length;
  if (prefix.length <= most) return 0;
  const kept = prefix[0] === tokenizer.bosId ? 1 : 0;
  if (truncate && most >= Math.max(1, kept)) return prefix.length - most;
  const wanted = truncate
    ? `one token and at most ${context} behind it are wanted`
    : `at most ${context + 1} are wanted, or truncate`;
  throw new RangeError(
    `Cannot score: the prompt has ${prefix.length} tokens and continuation ${index} ${ids.length}, ${wanted}`,
  );
}

/** A prefix without its first tokens, but with its BOS. */
function dropFirst(
  prefix: readonly number[],
  count: number,
  { bosId }: Tokenizer,
): readonly number[] {
  if (count === 0 || prefix[0] !== bosId) return prefix.slice(count);
  return [bosId!, ...prefix.slice(1 + count)];
}

/** Whether Python takes a character for white space, unlike JavaScript. */
function isSpace(char: string): boolean {
  const isSeparator = char >= "\x1c" && char <= "\x1f";
  return isSeparator || char === "\x85" ||
    (char !== "\ufeff" && /\s/.test(char));
}

/** Where a text ends but for white space. */
function trimmedEnd(text: string): number {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1]!)) end--;
  return end;
}
