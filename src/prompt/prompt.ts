/** What a {@linkcode PromptPart} is. */
export type PromptPartKind = "text" | "special" | "raw" | "ids";

/**
 * One part of a {@linkcode Prompt}. Only {@linkcode special}, {@linkcode raw} and
 * {@linkcode tokenIds} make parts that can be special tokens: it is a class, and no
 * object that came in as data is ever taken for one.
 */
export class PromptPart {
  /** What it is. */
  readonly kind: PromptPartKind;
  /** Its text, a special token's name, or `""` for ids. */
  readonly text: string;
  /** Its ids, none for other kinds. */
  readonly ids: readonly number[];
  // Data has no such field, whatever else it has.
  readonly #isPart = true;

  private constructor(
    kind: PromptPartKind,
    text: string,
    ids: readonly number[] = [],
  ) {
    this.kind = kind;
    this.text = text;
    this.ids = Object.freeze([...ids]);
    Object.freeze(this);
  }

  /** Whether a value is a part. */
  static is(value: unknown): value is PromptPart {
    return typeof value === "object" && value !== null && #isPart in value &&
      value.#isPart;
  }

  /**
   * Makes a part; see {@linkcode special}, {@linkcode raw} and
   * {@linkcode tokenIds}.
   *
   * @internal
   */
  static of(kind: Exclude<PromptPartKind, "ids">, text: string): PromptPart {
    if (typeof text === "string") return new PromptPart(kind, text);
    throw new TypeError(
      `Cannot write prompt: the text of a ${kind} part is ${
        describe(text)
      }, a string is wanted`,
    );
  }

  /**
   * Makes a part of ids; see {@linkcode tokenIds}.
   *
   * @internal
   */
  static ofIds(ids: readonly number[]): PromptPart {
    if (Array.isArray(ids)) return new PromptPart("ids", "", ids);
    throw new TypeError(
      `Cannot write prompt: the ids are ${describe(ids)}, an array is wanted`,
    );
  }
}

/**
 * A special token by its name.
 *
 * @param name Its whole text, such as `"<|good|>"`; encoding throws where the
 * vocabulary has none of that name.
 * @returns A part for {@linkcode prompt}.
 */
export function special(name: string): PromptPart {
  return PromptPart.of("special", name);
}

/**
 * Text in which special tokens are found on purpose: never text of a user.
 *
 * @param text The text.
 * @returns A part for {@linkcode prompt}.
 */
export function raw(text: string): PromptPart {
  return PromptPart.of("raw", text);
}

/**
 * Token ids, taken as they are.
 *
 * @param ids The ids.
 * @returns A part for {@linkcode prompt}.
 */
export function tokenIds(ids: readonly number[]): PromptPart {
  return PromptPart.ofIds(ids);
}

/** What a {@linkcode Prompt} can be made of; plain values are text. */
export type PromptValue =
  | string
  | number
  | bigint
  | boolean
  | PromptPart
  | Prompt
  | readonly (string | PromptPart | Prompt)[];

/**
 * A prompt made of parts, of which only those that are marked become special
 * tokens. It does not change: each method gives a longer one.
 *
 * ```ts
 * import { Prompt } from "@seraph/seraph";
 *
 * const question = "What is <|good|>?"; // from a user: text, whatever it spells
 * const prompt = new Prompt().text("<|user|>\n").text(question)
 *   .text("\n<|assistant|>\n").special("<|good|>");
 * ```
 */
export class Prompt {
  /** The parts in order, none of them empty, no two texts side by side. */
  readonly parts: readonly PromptPart[];

  /**
   * Creates a {@linkcode Prompt}.
   *
   * @param values What it is made of, in order. Defaults to nothing.
   * @throws {TypeError} If a value is neither text nor a part.
   */
  constructor(...values: readonly PromptValue[]) {
    const parts: PromptPart[] = [];
    for (const value of values) addValue(parts, value);
    this.parts = Object.freeze(parts);
  }

  /** Adds values as {@linkcode prompt} does. */
  append(...values: readonly PromptValue[]): Prompt {
    return new Prompt(this, ...values);
  }

  /** Adds text, whatever it spells. */
  text(text: string): Prompt {
    return this.append(PromptPart.of("text", text));
  }

  /** Adds a special token; see {@linkcode special}. */
  special(name: string): Prompt {
    return this.append(special(name));
  }

  /** Adds text in which special tokens are found; see {@linkcode raw}. */
  raw(text: string): Prompt {
    return this.append(raw(text));
  }

  /** Adds token ids. */
  ids(ids: readonly number[]): Prompt {
    return this.append(tokenIds(ids));
  }

  /**
   * The prompt for people, special tokens by their names. As a prompt of its own
   * that would be text, all of it.
   */
  toString(): string {
    return this.parts.map(({ kind, text, ids }) =>
      kind === "ids" ? `[${ids.join(", ")}]` : text
    ).join("");
  }
}

/**
 * Writes a prompt: the text itself and what is put into it are text, but for
 * parts that are marked.
 *
 * ```ts
 * import { loadModel, prompt, special } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/tiny-archangel-q8_0.gguf");
 * const question = "Which is better, <|good|> or <|bad|>?";
 * const asked = prompt`<|user|>\n${question}\n<|assistant|>\n${
 *   special("<|good|>")
 * }`;
 * const { text } = await model.generate(asked, { maxTokens: 8 }).result();
 * ```
 *
 * @param strings The text.
 * @param values What is put into it: text, numbers, {@linkcode special},
 * {@linkcode raw}, {@linkcode tokenIds}, other prompts, or arrays of them.
 * @returns The prompt.
 * @throws {TypeError} If a value is neither text nor a part.
 */
export function prompt(
  strings: TemplateStringsArray,
  ...values: readonly PromptValue[]
): Prompt {
  const all = strings.flatMap((text: string | undefined, i) => {
    if (text === undefined) {
      throw new TypeError(
        `Cannot write prompt: ${
          JSON.stringify(strings.raw[i])
        } has an escape that means nothing`,
      );
    }
    return i < values.length ? [text, values[i]!] : [text];
  });
  return new Prompt(...all);
}

function addValue(parts: PromptPart[], value: PromptValue): void {
  if (value instanceof Prompt) {
    for (const part of value.parts) addPart(parts, part);
  } else if (PromptPart.is(value)) {
    addPart(parts, value);
  } else if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "number") {
        throw new TypeError(
          `Cannot write prompt: an array has the number ${item}, tokenIds() or text is wanted`,
        );
      }
      addValue(parts, item);
    }
  } else if (["string", "number", "bigint", "boolean"].includes(typeof value)) {
    addPart(parts, PromptPart.of("text", String(value)));
  } else {
    throw new TypeError(
      `Cannot write prompt: a value is ${
        describe(value)
      }, text, a number or a part is wanted`,
    );
  }
}

/** Texts side by side are one text. */
function addPart(parts: PromptPart[], part: PromptPart): void {
  const { kind, text, ids } = part;
  if (kind === "ids" ? ids.length === 0 : text === "" && kind !== "special") {
    return;
  }
  const last = parts.at(-1);
  if (kind === "text" && last?.kind === "text") {
    parts[parts.length - 1] = PromptPart.of("text", last.text + text);
  } else {
    parts.push(part);
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "an array" : `of type ${typeof value}`;
}
