import type { ChatMessage } from "../chat/messages.ts";
import { renderChat, type RenderChatOptions } from "../chat/render.ts";
import { SpecialTokenParser } from "../tokenizer/special_tokens.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TokenType } from "../tokenizer/vocabulary.ts";
import { type PromptInput, toAtoms } from "./encode.ts";
import { Prompt, type PromptPartKind } from "./prompt.ts";

/** What of a model a prompt is linted for. */
export interface LintModel {
  /** Its tokenizer. */
  readonly tokenizer: Tokenizer;
  /** Positions that a conversation can have. Defaults to no limit. */
  readonly contextLength?: number | undefined;
  /** Its chat template. Defaults to none. */
  readonly template?: string | undefined;
}

/** Options for {@linkcode lintPrompt}. */
export interface LintPromptOptions
  extends Pick<RenderChatOptions, "format" | "control" | "markers"> {
  /**
   * Whether special tokens are found in a prompt that is all text. Defaults to
   * `false`.
   */
  special?: boolean | undefined;
  /** Positions of the context. Defaults to the model's. */
  contextLength?: number | undefined;
  /** Stops it before a chat is rendered. */
  signal?: AbortSignal | undefined;
}

/** A token of a prompt. */
export interface LintedToken {
  /** Its id. */
  id: number;
  /** Its text; a special token's is its name. */
  piece: string;
  /** Its type. */
  type: TokenType;
  /** Whether it is a control or user-defined token. */
  special: boolean;
  /**
   * What put it there: BOS or EOS as the file says, a part of the prompt, or the
   * format of a chat.
   */
  source: PromptPartKind | "bos" | "eos" | "chat";
}

/** What a {@linkcode LintWarning} is about. */
export type LintWarningCode =
  | "special-from-raw"
  | "special-as-text"
  | "duplicate-bos"
  | "missing-bos"
  | "trailing-space"
  | "unknown-token"
  | "turn-marker"
  | "too-long"
  | "empty";

/** Something about a prompt that may not be meant. */
export interface LintWarning {
  /** What it is about, for programs. */
  code: LintWarningCode;
  /** What it is, in a sentence. */
  message: string;
  /** The token that it is about, an index into the tokens. */
  token?: number;
}

/** What {@linkcode lintPrompt} found. */
export interface PromptLint {
  /** The tokens as the model gets them. */
  tokens: LintedToken[];
  /** What may not be meant, in the order of the prompt. */
  warnings: LintWarning[];
}

/**
 * Shows what a model gets of a prompt, token by token, and warns of what is
 * often not meant: special tokens out of raw text, their names as mere text, BOS
 * that is missing or doubled, a space at the end, unknown tokens, more than the
 * context.
 *
 * ```ts
 * import {
 *   formatPromptLint,
 *   lintPrompt,
 *   loadTokenizer,
 *   prompt,
 * } from "@seraph/seraph";
 *
 * const tokenizer = await loadTokenizer("models/tiny-archangel-q8_0.gguf");
 * const lint = await lintPrompt(tokenizer, prompt`Be <|good|>: `);
 * console.log(formatPromptLint(lint)); // a table, and the warnings
 * console.assert(lint.warnings[0]?.code === "special-as-text");
 * ```
 *
 * @param model The model, or its tokenizer.
 * @param prompt The prompt, or the messages of a chat, of which none is left out.
 * @param options How the prompt is read.
 * @returns The tokens and the warnings.
 * @throws As encoding the prompt or rendering the chat does, but for its length.
 */
export async function lintPrompt(
  model: LintModel | Tokenizer,
  prompt: PromptInput | readonly ChatMessage[],
  options: LintPromptOptions = {},
): Promise<PromptLint> {
  options.signal?.throwIfAborted();
  const whole: LintModel = model instanceof Tokenizer
    ? { tokenizer: model }
    : model;
  const context = options.contextLength ?? whole.contextLength ?? Infinity;
  const lint = isChat(prompt)
    ? await lintChat(whole, prompt, options)
    : lintParts(whole, prompt, options);
  warnOfTokens(whole.tokenizer, lint);
  const { length } = lint.tokens;
  if (length === 0) {
    warn(lint, "empty", "the prompt has no tokens, at least one is wanted");
  } else if (length > context) {
    const what = `the prompt has ${length} tokens, ${context} fit the context`;
    const chat = isChat(prompt) ? ": the oldest turns are left out" : "";
    warn(lint, "too-long", what + chat);
  }
  return lint;
}

/**
 * Writes what {@linkcode lintPrompt} found, for people.
 *
 * @param lint What it found.
 * @returns A table of the tokens, and the warnings below it.
 */
export function formatPromptLint({ tokens, warnings }: PromptLint): string {
  const rows = tokens.map((token, i) => [
    String(i),
    String(token.id),
    token.special || token.type === "unknown" ? token.type : "",
    token.source,
    JSON.stringify(token.piece),
  ]);
  const table = [["#", "id", "special", "from", "piece"], ...rows];
  const widths = table[0]!.map((_, column) =>
    Math.max(...table.map((row) => row[column]!.length))
  );
  const lines = table.map((row) =>
    row.map((cell, column) =>
      column < 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  );
  const special = tokens.filter((token) => token.special).length;
  const count = `${tokens.length} tokens, ${special} of them special`;
  const below = warnings.map(({ code, message, token }) =>
    `warning: ${message}${
      token === undefined ? "" : ` (token ${token})`
    } [${code}]`
  );
  return [...lines, count, ...below].join("\n");
}

function isChat(
  prompt: PromptInput | readonly ChatMessage[],
): prompt is readonly ChatMessage[] {
  return Array.isArray(prompt) && typeof prompt[0] === "object";
}

function warn(
  { warnings }: PromptLint,
  code: LintWarningCode,
  message: string,
  token?: number,
): void {
  warnings.push({ code, message, ...(token !== undefined && { token }) });
}

/** Lints all but the sequence of tokens. */
function lintParts(
  { tokenizer }: LintModel,
  prompt: PromptInput,
  options: LintPromptOptions,
): PromptLint {
  const lint: PromptLint = { tokens: [], warnings: [] };
  const { special = false } = options;
  const atoms = toAtoms(tokenizer, prompt, { special });
  for (const [i, { value, source }] of atoms.entries()) {
    const at = lint.tokens.length;
    const before = atoms[i - 1]?.value;
    if (typeof value === "number") {
      lint.tokens.push(describe(tokenizer, value, source));
      if (source === "raw" && tokenizer.isSpecial(value)) {
        const name = lint.tokens[at]!.piece;
        const what = `raw text gives the special token ${name}`;
        warn(lint, "special-from-raw", what, at);
      }
      continue;
    }
    // As it is encoded where it stands: behind a special token with a prefix.
    const previous = typeof before === "number" ? [before] : [];
    const ids = tokenizer.encodeParts([...previous, value], { bos: false })
      .slice(previous.length);
    lint.tokens.push(...ids.map((id) => describe(tokenizer, id, source)));
    warnOfNames(tokenizer, lint, { text: value, at });
  }
  const isText = typeof prompt === "string" || prompt instanceof Prompt;
  const last = atoms.at(-1)?.value;
  if (isText && typeof last === "string" && /[ \t\u00a0\u3000]$/.test(last)) {
    warn(
      lint,
      "trailing-space",
      "the prompt ends in white space, which is mostly a part of the next token",
      lint.tokens.length - 1,
    );
  }
  return lint;
}

/** Lints a chat, whose special tokens are all the format's. */
async function lintChat(
  { tokenizer, template }: LintModel,
  messages: readonly ChatMessage[],
  { format, control, markers, signal }: LintPromptOptions,
): Promise<PromptLint> {
  const render = (mode: RenderChatOptions["markers"]) =>
    renderChat(tokenizer, messages, {
      format,
      control,
      markers: mode,
      template,
      contextLength: 2 ** 31,
      signal,
    });
  const { ids } = await render(markers);
  const tokens = ids.map((id, i) =>
    describe(
      tokenizer,
      id,
      i === 0 && id === tokenizer.bosId
        ? "bos"
        : tokenizer.isSpecial(id)
        ? "chat"
        : "text",
    )
  );
  const lint: PromptLint = { tokens, warnings: [] };
  for (const [i, { content }] of messages.entries()) {
    const where = `message ${i}`;
    warnOfNames(tokenizer, lint, { text: content, where });
  }
  try {
    await render("reject");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const end = markers === "allow" ? "it is left as it is" : "it is broken up";
    warn(lint, "turn-marker", `${error.message}: ${end}`);
  }
  return lint;
}

function describe(
  tokenizer: Tokenizer,
  id: number,
  source: LintedToken["source"],
): LintedToken {
  const [piece] = tokenizer.pieces([id]);
  const special = tokenizer.isSpecial(id);
  return { id, piece: piece!, type: tokenizer.typeOf(id), special, source };
}

/** Names of special tokens that were encoded as text. */
function warnOfNames(
  tokenizer: Tokenizer,
  lint: PromptLint,
  { text, at, where }: { text: string; at?: number; where?: string },
): void {
  const { vocabulary } = tokenizer;
  const ids = new SpecialTokenParser(vocabulary).split(text)
    .filter((part) => typeof part === "number")
    // Those of a byte-level vocabulary that any text yields are what they spell.
    .filter((id) => !vocabulary.byteLevel?.plainIds.has(id));
  for (const name of new Set(ids.map((id) => vocabulary.tokens[id]!))) {
    const what = `${name} is text${
      where === undefined ? "" : ` in ${where}`
    }, not the special token`;
    warn(lint, "special-as-text", what, at);
  }
}

/** What can be seen of the tokens alone. */
function warnOfTokens(tokenizer: Tokenizer, lint: PromptLint): void {
  const { bosId, addBos } = tokenizer.vocabulary;
  const { tokens } = lint;
  const name = tokens.find(({ id }) => id === bosId)?.piece;
  if (addBos && tokens.length > 0 && tokens[0]!.id !== bosId) {
    warn(lint, "missing-bos", "the prompt does not begin with BOS", 0);
  }
  for (const [i, { id, type, piece }] of tokens.entries()) {
    if (id === bosId && i > 0 && tokens[i - 1]!.id === bosId) {
      warn(lint, "duplicate-bos", `${name} stands twice in a row`, i);
    }
    if (type === "unknown") {
      const what = `the prompt has the unknown token ${piece}`;
      warn(lint, "unknown-token", what, i);
    }
  }
}
