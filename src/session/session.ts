import { checkIds } from "../model/check_ids.ts";
import { Generation } from "../generate/generation.ts";
import type { GenerateOptions } from "../generate/options.ts";
import type { SamplerState } from "../generate/sampler.ts";
import type { TimelineSource } from "../generate/tokens.ts";
import { encodePrompt, type PromptInput, toAtoms } from "../prompt/encode.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  readSessionFile,
  type SessionCallOptions,
  writeSessionFile,
} from "./session_file.ts";
import {
  type OnFull,
  SessionSource,
  type SessionState,
} from "./session_source.ts";

/** Options for {@linkcode Session}. */
export interface SessionOptions {
  /**
   * What is done where the context is full: `"stop"` ends a generation there,
   * `"error"` throws a `RangeError`, `"shift"` forgets the older half of what
   * stands behind the first `sinks` tokens and goes on, as a text that begins
   * there would: what is left is run again, a prompt's worth. Defaults to
   * `"stop"`.
   */
  onFull?: OnFull | undefined;
  /** Tokens at the start that `"shift"` keeps. Defaults to 4. */
  sinks?: number | undefined;
}

/** What a {@linkcode Session} is made of. */
export interface SessionParts {
  /** Runs the model. */
  source: TimelineSource;
  /** What the model is called. */
  name: string;
  /** The model's tokenizer. */
  tokenizer: Tokenizer;
  /** Bytes of a KV cache of so many positions, all layers. */
  kvBytes: (positions: number) => number;
  /** The model's layers. */
  layers: number;
}

/** What a new session begins with. */
export interface SessionStart extends SessionState {
  /** Its timeline, where it has one already. */
  timeline?: number | undefined;
}

const NOTHING: SessionStart = { ids: [], promptLength: 0, firstStep: 0 };

/**
 * One line of tokens that stays: texts are appended to it, answers are generated
 * behind them, and it can go back, part in two, and be saved to a file.
 *
 * Its KV cache is its own, on the GPU or, where that has no room for all
 * sessions, in the CPU's memory. Whatever was done to a session, what it says
 * next is what the same tokens say that come to an empty one: a generation that
 * goes on behind another one says what one longer generation would have said, to
 * the bit, and behind something that was appended all tokens count as a prompt.
 *
 * @example Two ways to go on
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * await using session = model.session();
 * session.append("Once upon a time, there was a");
 * await using other = await session.fork();
 * session.append(" dog");
 * other.append(" cat");
 * // Both at once: their steps run together.
 * const [dog, cat] = await Promise.all([
 *   session.generate({ maxTokens: 8 }).result(),
 *   other.generate({ maxTokens: 8 }).result(),
 * ]);
 * console.log(dog.text, cat.text);
 * ```
 */
export class Session implements AsyncDisposable {
  readonly #parts: SessionParts;
  readonly #onFull: OnFull;
  readonly #sinks: number;
  #timeline: Promise<number> | undefined;
  #ids: number[];
  /** Tokens that run as a prompt; those behind them were chosen. */
  #promptLength: number;
  /** Tokens that had been chosen when those were to run as a prompt. */
  #firstStep: number;
  /** What samplers go on from, behind the last token. */
  #samplerState: SamplerState | undefined;
  /** The generation that is under way, or was. */
  #generation: Generation | undefined;
  #isBusy = false;
  #isDisposed = false;

  /**
   * Creates a {@linkcode Session}; `model.session()` is the usual way to one.
   *
   * @param parts Its model.
   * @param options What it does where the context is full.
   * @param start What is in it. Defaults to nothing.
   * @throws {RangeError} If the sinks are no number of tokens that leaves room.
   * @throws {TypeError} If `onFull` is none of the choices.
   */
  constructor(
    parts: SessionParts,
    options: SessionOptions = {},
    start: SessionStart = NOTHING,
  ) {
    const { onFull = "stop", sinks = 4 } = options;
    checkSessionOptions({ onFull, sinks }, parts.source.contextLength);
    const { ids, promptLength, firstStep, samplerState, timeline } = start;
    this.#parts = parts;
    this.#onFull = onFull;
    this.#sinks = sinks;
    this.#ids = [...ids];
    this.#promptLength = promptLength;
    this.#samplerState = samplerState;
    this.#firstStep = firstStep - (ids.length - promptLength);
    if (timeline !== undefined) this.#timeline = Promise.resolve(timeline);
  }

  /** How many tokens there are. */
  get length(): number {
    return this.#ids.length;
  }

  /** The tokens, a copy. */
  get ids(): number[] {
    return [...this.#ids];
  }

  /** The text of the tokens, special ones left out. */
  get text(): string {
    return this.#parts.tokenizer.decode(this.#ids);
  }

  /**
   * Appends a text. The first one gets BOS as the model's file says; text behind
   * other tokens is tokenized by itself, and continues what stands before it
   * without a space of its own. The model reads it with the next generation.
   *
   * @param prompt Text, in which special tokens are text, ids that are taken as
   * they are, or a prompt of parts.
   * @returns This session.
   * @throws {RangeError} If an id is out of range, or there is no special token
   * of a name.
   * @throws {TypeError} If a generation is under way.
   */
  append(prompt: PromptInput): this {
    this.#checkIdle();
    const { tokenizer } = this.#parts;
    const ids = this.#encode(prompt);
    checkIds("append", ids, tokenizer.size);
    if (ids.length === 0) return this;
    this.#ids.push(...ids);
    // What was chosen is part of the prompt now.
    this.#promptLength = this.#ids.length;
    this.#firstStep = 0;
    this.#samplerState = undefined;
    return this;
  }

  /**
   * Goes on behind what there is; the answer's tokens become part of the session
   * as they are read, but for the one that ends a text.
   *
   * @param options How to sample, and when to stop. With a `seed` two generations
   * draw what one of their lengths together would.
   * @returns The generation, which starts when it is read.
   * @throws {RangeError} If an option is out of its range; where the session is
   * empty, and where the context is full and `onFull` does not allow for it, when
   * the generation is read.
   * @throws {TypeError} If the session is disposed of; if another generation is
   * under way, when this one is read.
   */
  generate(options: GenerateOptions = {}): Generation {
    this.#checkAlive();
    const { tokenizer, name: model } = this.#parts;
    const begin = () => this.#generation = generation;
    const context = {
      source: this.#createSource(begin),
      tokenizer,
      spans: { model, operation: "text_completion" } as const,
      onToken: (id: number) => void this.#ids.push(id),
    };
    const prompt = () => {
      this.#checkIdle();
      return Promise.resolve({ ids: this.ids });
    };
    const generation = new Generation(context, prompt, options);
    return generation;
  }

  /**
   * Has the model read all that was appended, so that the next generation begins
   * at once.
   *
   * @param options Interruption and progress.
   * @throws {RangeError} If the session is empty, or the context too short for it.
   * @throws {TypeError} If a generation is under way.
   */
  async prefill(
    options: Pick<GenerateOptions, "signal" | "onPrompt"> = {},
  ): Promise<void> {
    await this.generate({ ...options, maxTokens: 0 }).result();
  }

  /**
   * Forgets the tokens from some place on.
   *
   * @param length How many to keep.
   * @throws {RangeError} If there are not so many.
   * @throws {TypeError} If a generation is under way.
   */
  rewind(length: number): void {
    this.#checkIdle();
    if (!(Number.isInteger(length) && length >= 0 && length <= this.length)) {
      throw new RangeError(
        `Cannot rewind session: length is ${length}, an integer from 0 to ${this.length} is wanted`,
      );
    }
    if (length === this.length) return;
    this.#ids.length = length;
    this.#samplerState = undefined; // what it was there is not known
    if (length > this.#promptLength) return;
    this.#promptLength = length;
    this.#firstStep = 0;
  }

  /**
   * Makes a second session of the same tokens; the two go on by themselves.
   *
   * @param options Interruption.
   * @returns The other session.
   * @throws {TypeError} If a generation is under way.
   * @throws {GpuMemoryError} If the GPU has no room for its KV cache.
   */
  async fork({ signal }: SessionCallOptions = {}): Promise<Session> {
    const { source } = this.#parts;
    const timeline = await this.#whileBusy(async () => {
      signal?.throwIfAborted();
      return this.#timeline && await source.forkTimeline(await this.#timeline);
    });
    if (signal?.aborted && timeline !== undefined) {
      await source.closeTimeline(timeline);
    }
    signal?.throwIfAborted();
    const options = { onFull: this.#onFull, sinks: this.#sinks };
    return new Session(this.#parts, options, { ...this.#state, timeline });
  }

  /**
   * Saves the session with its KV cache to a file, which is whole or not there:
   * one of this name stays until it is replaced, which takes permission to read it
   * as well. A new file is its owner's alone to read.
   *
   * @param path The file, or a `file:` URL.
   * @param options Interruption.
   * @throws {TypeError} If a generation is under way, or the URL is of another
   * scheme.
   * @throws {Error} If the file cannot be written.
   */
  async save(
    path: string | URL,
    { signal }: SessionCallOptions = {},
  ): Promise<void> {
    const { source, kvBytes } = this.#parts;
    await this.#whileBusy(async () => {
      signal?.throwIfAborted();
      const cache = this.#timeline &&
        await source.readTimeline(await this.#timeline);
      const { fingerprint, kv } = source;
      const state = this.#state;
      await writeSessionFile(path, { ...state, fingerprint, kv, cache }, {
        kvBytes,
        signal,
      });
    });
  }

  /**
   * Opens a session that was saved; `model.restoreSession()` is the usual way.
   *
   * @param parts Its model.
   * @param path The file.
   * @param options What it does where the context is full, and interruption.
   * @returns The session.
   * @throws {SyntaxError} If the file is damaged, or none of a session.
   * @throws {RangeError} If the file is cut short, or the context is.
   * @throws {Error} If it was saved with another model or type of KV cache, or
   * cannot be read.
   */
  static async restore(
    parts: SessionParts,
    path: string | URL,
    { signal, ...options }: SessionOptions & SessionCallOptions = {},
  ): Promise<Session> {
    const { source, tokenizer, kvBytes, layers } = parts;
    const { fingerprint, kv, contextLength } = source;
    const { cache, ...saved } = await readSessionFile(path, {
      ...{ fingerprint, kv, kvBytes, layers, contextLength, signal },
      vocabularySize: tokenizer.size,
    });
    const session = new Session(parts, options, saved);
    if (cache !== undefined) session.#timeline = source.openTimeline(cache);
    await session.#timeline;
    return session;
  }

  /** Ends a generation that is under way, and frees the KV cache. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#generation?.[Symbol.asyncDispose]();
    const timeline = await this.#timeline?.catch(() => undefined);
    if (timeline === undefined) return;
    // A model that is gone has freed it.
    await this.#parts.source.closeTimeline(timeline).catch(() => {});
  }

  get #state(): SessionState {
    return {
      ids: this.ids,
      promptLength: this.#promptLength,
      firstStep: this.#firstStep + this.length - this.#promptLength,
      samplerState: this.#samplerState,
    };
  }

  /** Encodes a prompt that stands behind the tokens there are. */
  #encode(prompt: PromptInput): number[] {
    const { tokenizer } = this.#parts;
    const last = this.#ids.at(-1);
    if (last === undefined) return encodePrompt(tokenizer, prompt);
    if (Array.isArray(prompt)) return encodePrompt(tokenizer, prompt);
    const parts = toAtoms(tokenizer, prompt, { bos: false });
    const values = parts.map(({ value }) => value);
    return tokenizer.encodeParts([last, ...values], { bos: false }).slice(1);
  }

  #createSource(onBegin: () => void): SessionSource {
    const { source } = this.#parts;
    return new SessionSource({
      source,
      contextLength: source.contextLength,
      onFull: this.#onFull,
      sinks: this.#sinks,
      begin: async (ids) => {
        this.#checkIdle();
        if (
          ids.length !== this.length || ids.some((id, i) => id !== this.#ids[i])
        ) {
          throw new TypeError(
            "Cannot go on with session: it was changed after the generation began",
          );
        }
        this.#isBusy = true;
        onBegin();
        try {
          this.#timeline ??= source.openTimeline();
          return { ...this.#state, timeline: await this.#timeline };
        } catch (error) {
          this.#isBusy = false;
          throw error;
        }
      },
      onShift: ({ ids, firstStep }) => {
        this.#ids = [...ids];
        this.#promptLength = ids.length;
        this.#firstStep = firstStep;
      },
      onState: (state) => this.#samplerState = state,
      end: () => this.#isBusy = false,
    });
  }

  async #whileBusy<T>(work: () => Promise<T>): Promise<T> {
    this.#checkIdle();
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  #checkIdle(): void {
    this.#checkAlive();
    if (this.#isBusy) {
      throw new TypeError(
        "Cannot use session: it is in use already, one use at a time is possible",
      );
    }
  }

  #checkAlive(): void {
    if (this.#isDisposed) {
      throw new TypeError("Cannot use session: it is disposed of");
    }
  }
}

const ON_FULL: readonly OnFull[] = ["stop", "error", "shift"];

function checkSessionOptions(
  { onFull, sinks }: { onFull: OnFull; sinks: number },
  contextLength: number,
): void {
  if (!ON_FULL.includes(onFull)) {
    throw new TypeError(
      `Cannot open session: onFull is "${onFull}", one of ${
        ON_FULL.join(", ")
      } is wanted`,
    );
  }
  // A token to go on from has to fit as well.
  const most = contextLength - 2;
  const isGood = Number.isInteger(sinks) && sinks >= 0 && sinks <= most;
  if (isGood || onFull !== "shift") return;
  throw new RangeError(
    `Cannot open session: sinks is ${sinks}, an integer from 0 to ${most} is wanted`,
  );
}
