import type { ChatMessage } from "../chat/messages.ts";
import { renderChat, type RenderedChat } from "../chat/render.ts";
import type { Prompt as TokenPrompt } from "../generate/decode.ts";
import { Generation } from "../generate/generation.ts";
import type {
  ContinuationOptions,
  ContinuationScore,
} from "../generate/continuations.ts";
import { ObjectGeneration } from "../generate/object_generation.ts";
import type { GenerateOptions } from "../generate/options.ts";
import type { Score, ScoreOptions } from "../generate/score.ts";
import type { LlamaConfig } from "../model/config.ts";
import { kvBytes } from "../model/kv_buffers.ts";
import {
  Session,
  type SessionOptions,
  type SessionParts,
} from "../session/session.ts";
import type { SessionCallOptions } from "../session/session_file.ts";
import { encodePrompt, type PromptInput } from "../prompt/encode.ts";
import { Prompt } from "../prompt/prompt.ts";
import {
  impliedRewards,
  type Reward,
  type RewardExample,
  type RewardOptions,
} from "../reward/reward.ts";
import type { JsonSchema } from "../structure/schema.ts";
import {
  readObjectSchema,
  type StandardSchema,
} from "../structure/standard_schema.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { Engine } from "./engine.ts";
import type { MemoryPlan } from "./plan.ts";
import { scoreInput } from "./score_input.ts";
import { GpuEngine, type LentParts, noDraftError } from "./gpu_engine.ts";
import {
  callGrammar,
  type ChatFormatOptions,
  type ChatOptions,
  type GenerateObjectOptions,
  type GenerateTextOptions,
  type ObjectOf,
} from "./model_options.ts";

/** What a {@linkcode Model} is made of. */
export interface ModelParts {
  /** Runs the tokens; the model disposes of it. */
  engine: Engine;
  /** The tokenizer. */
  tokenizer: Tokenizer;
  /** The file's chat template, where it has one. */
  template: string | undefined;
  /** What it is called. Defaults to `"model"`. */
  name?: string | undefined;
}

/** A model on the GPU: text in, text out. */
export class Model implements AsyncDisposable {
  /** Text to tokens and back. */
  readonly tokenizer: Tokenizer;
  /** What the file calls the model, or else the file's own name. */
  readonly name: string;
  readonly #engine: Engine;
  readonly #template: string | undefined;
  #disposed = false;

  /**
   * Puts a model together; {@linkcode loadModel} is the usual way to one.
   *
   * @param parts Its parts.
   */
  constructor({ engine, tokenizer, template, name = "model" }: ModelParts) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.#engine = engine;
    this.#template = template;
  }

  /** The hyperparameters, from the file. */
  get config(): LlamaConfig {
    return this.#engine.config;
  }

  /** The file's chat template, where it has one. */
  get template(): string | undefined {
    return this.#template;
  }

  /** Positions that a conversation can have. */
  get contextLength(): number {
    return this.#engine.contextLength;
  }

  /** The adapter's description of itself. */
  get device(): string {
    return this.#engine.device;
  }

  /** Bytes of GPU memory in use, KV caches included. */
  get gpuBytes(): number {
    return this.#engine.gpuBytes;
  }

  /**
   * What was foretold of its GPU memory before it was loaded, by what takes it.
   * {@linkcode Model.gpuBytes} is what is in use now.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * const { totalBytes, models: [own] } = model.plan();
   * console.log(totalBytes, own!.weightBytes, own!.kvBytes);
   * ```
   *
   * @returns The plan, its draft's included.
   */
  plan(): MemoryPlan {
    return this.#engine.plan;
  }

  /** Milliseconds that loading took. */
  get loadMs(): number {
    return this.#engine.loadMs;
  }

  /** Which variants of kernels the model runs, and why. */
  get kernels(): readonly KernelChoice[] {
    return this.#engine.kernels;
  }

  /**
   * Continues a text.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * const story = model.generate("Once upon a time", {
   *   maxTokens: 16,
   *   preset: "llama.cpp",
   *   seed: 7,
   * });
   * for await (const { text } of story) console.log(text);
   * ```
   *
   * @param prompt Text, token ids that are taken as they are, or a
   * {@linkcode Prompt} of parts.
   * @param options How to sample, and when to stop.
   * @returns The generation, which starts when it is read.
   * @throws {RangeError} If the prompt is empty or too long, names a special token
   * that there is not, or an option is out of its range.
   */
  generate(
    prompt: PromptInput,
    options: GenerateTextOptions = {},
  ): Generation {
    this.#checkAlive();
    const { special = false } = options;
    const isPrompt = prompt instanceof Prompt;
    if (prompt === "" || (isPrompt && prompt.parts.length === 0)) {
      throw new RangeError(
        'Cannot generate: the prompt is "", at least one character is wanted',
      );
    }
    const ids = encodePrompt(this.tokenizer, prompt, { special });
    return this.#generation({ ids }, options);
  }

  /**
   * Answers a chat.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/tiny-archangel-q8_0.gguf");
   * const messages = [{ role: "user", content: "Hi!" }] as const;
   * const answer = model.chat(messages, { control: "good", maxTokens: 16 });
   * console.log((await answer.result()).text);
   * ```
   *
   * @param messages An optional system message, then user and assistant in
   * turn, the user last, or the results of the assistant's calls.
   * @param options How the chat is written, how to sample, and when to stop.
   * @returns The generation, which starts when it is read; errors in the
   * messages are thrown there.
   * @throws {RangeError} If an option is out of its range.
   * @throws {TypeError} If a tool is no function definition.
   */
  chat(
    messages: readonly ChatMessage[],
    options: ChatOptions = {},
  ): Generation {
    this.#checkAlive();
    const { grammar, ...call } = callGrammar(options);
    const prompt = async () => {
      const { ids, stop } = await this.renderChat(messages, options);
      return { ids, stop, trimEnd: grammar === undefined, ...call };
    };
    return this.#generation(prompt, { ...options, grammar });
  }

  /**
   * Opens a session: a timeline of its own, which stays between generations.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * await using session = model.session({ onFull: "shift" });
   * session.append("One day");
   * await session.generate({ maxTokens: 8 }).result();
   * console.log(session.text);
   * ```
   *
   * @param options What it does where the context is full.
   * @returns The session, empty; dispose of it to free its KV cache.
   * @throws {RangeError} If an option is out of its range.
   */
  session(options: SessionOptions = {}): Session {
    this.#checkAlive();
    return new Session(this.#sessionParts(), options);
  }

  /**
   * Opens a session that {@linkcode Session.save} has saved.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * await using session = model.session().append("Tom had a red ball.");
   * await session.prefill();
   * const path = await Deno.makeTempFile();
   * await session.save(path);
   * await using later = await model.restoreSession(path);
   * console.assert(later.text === session.text);
   * await Deno.remove(path);
   * ```
   *
   * @param path The file.
   * @param options What it does where the context is full, and interruption.
   * @returns The session; dispose of it to free its KV cache.
   * @throws {SyntaxError} If the file is damaged, or none of a session.
   * @throws {RangeError} If the file is cut short, or the context is too short.
   * @throws {Error} If it was saved with another model or type of KV cache, or
   * cannot be read.
   */
  async restoreSession(
    path: string | URL,
    options: SessionOptions & SessionCallOptions = {},
  ): Promise<Session> {
    this.#checkAlive();
    return await Session.restore(this.#sessionParts(), path, options);
  }

  /**
   * Generates an object that keeps to a schema. Its text is compact JSON, and
   * always complete: it ends in time for `maxTokens` and the context. The prompt
   * is the caller's: it should say what is wanted, as the model is not told of
   * the schema.
   *
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   * import { z } from "zod";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * const schema = z.object({ name: z.string().max(20), age: z.int().min(0) });
   * const { name, age } = await model.generateObject("The hero:", {
   *   schema,
   *   maxTokens: 60,
   * }).object;
   * ```
   *
   * @param prompt Text, token ids, or the messages of a chat.
   * @param options The schema, how to sample, and when to stop.
   * @returns The generation, which starts when it is read.
   * @throws {TypeError} If the schema has a keyword that cannot be kept to, or no
   * value that it allows is found.
   * @throws {RangeError} As {@linkcode Model.generate}; that not even the shortest
   * object fits is told when it is read.
   */
  generateObject<S extends StandardSchema | JsonSchema>(
    prompt: PromptInput | readonly ChatMessage[],
    options: GenerateObjectOptions<S>,
  ): ObjectGeneration<ObjectOf<S>> {
    const { schema, jsonSchema, ...rest } = options;
    const object = readObjectSchema(
      schema as StandardSchema<unknown, ObjectOf<S>> | JsonSchema,
      jsonSchema,
    );
    const grammar = { kind: "json", schema: object.json } as const;
    const generation = isChat(prompt)
      ? this.chat(prompt, { ...rest, grammar })
      : this.generate(prompt, { ...rest, grammar });
    return new ObjectGeneration(generation, object);
  }

  /**
   * Writes a chat as {@linkcode Model.chat} does, without answering it. Old
   * turns are dropped where the chat leaves no room for `maxTokens`, of which at
   * most a quarter of the context is kept free.
   *
   * @param messages The chat.
   * @param options How it is written.
   * @returns The prompt and its tokens.
   */
  renderChat(
    messages: readonly ChatMessage[],
    options: ChatFormatOptions & Pick<GenerateOptions, "maxTokens" | "signal"> =
      {},
  ): Promise<RenderedChat> {
    const { format, control, markers, tools, toolChoice } = options;
    const { maxTokens = Infinity, signal } = options;
    const { contextLength } = this;
    return renderChat(this.tokenizer, messages, {
      format,
      control,
      markers,
      tools,
      toolChoice,
      template: this.#template,
      contextLength,
      signal,
      reserve: Math.max(1, Math.min(maxTokens, Math.floor(contextLength / 4))),
    });
  }

  /**
   * Gives the log-probability of each token of a text after those before it.
   *
   * @param ids The tokens, taken as they are, at most a context of them.
   * @param options How many alternatives each position gets.
   * @returns The probabilities.
   * @throws {RangeError} If there are no ids, too many, or one is out of range.
   */
  score(
    ids: readonly number[] | Prompt,
    options?: ScoreOptions,
  ): Promise<Score>;
  /**
   * Gives the log-probability of several continuations of one prompt, which runs
   * once; what comes of one does not depend on the others.
   *
   * As in lm-evaluation-harness, white space at the end of a prompt that is text
   * goes to its continuations, each is encoded together with it, and what is
   * longer than the prompt alone is the continuation. With `bos: false` and
   * `truncate: true` it scores what the Open LLM Leaderboard scored.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * await using model = await loadModel("models/stories260k-f32.gguf");
   * const answers = [" happy.", " sad.", " purple."];
   * const scores = await model.score("Lily got a gift. She was very", answers);
   * for (const [i, { loglikelihood, isGreedy }] of scores.entries()) {
   *   console.log(answers[i], loglikelihood, isGreedy);
   * }
   * ```
   *
   * @param prompt Text, token ids that are taken as they are, or a
   * {@linkcode Prompt}, behind which texts are encoded by themselves.
   * @param continuations Texts or token ids, at least one token each.
   * @param options How the prompt begins, whether it may be cut, and how many
   * alternatives each token gets.
   * @returns One score a continuation, in order.
   * @throws {RangeError} If a continuation adds no token, the prompt is too long
   * for one, or an id or an option is out of its range.
   */
  score(
    prompt: PromptInput,
    continuations: readonly (string | readonly number[])[],
    options?: ContinuationOptions,
  ): Promise<ContinuationScore[]>;
  async score(
    input: PromptInput,
    second: readonly (string | readonly number[])[] | ScoreOptions = {},
    options: ContinuationOptions = {},
  ): Promise<Score | ContinuationScore[]> {
    this.#checkAlive();
    const parts = { engine: this.#engine, tokenizer: this.tokenizer };
    return await scoreInput(parts, input, second, options);
  }

  /**
   * Lends its insides to what measures them.
   *
   * @internal
   * @param use Uses them; they are given back behind it.
   * @returns What `use` returns.
   * @throws {TypeError} If the model runs in a worker.
   */
  lend<T>(use: (parts: LentParts) => Promise<T>): Promise<T> {
    this.#checkAlive();
    return this.#local().lend(use);
  }

  /**
   * The device and the forward pass, for what measures them.
   *
   * @internal
   * @throws {TypeError} If the model runs in a worker.
   */
  get parts(): Pick<LentParts, "gpu" | "llama"> {
    this.#checkAlive();
    return this.#local().parts;
  }

  /** Frees all GPU memory; generations that are under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#engine[Symbol.asyncDispose]();
  }

  /**
   * The rewards that this model's training implies, as HALOs reckon them: `beta *
   * (log policy(response | chat) - log reference(response | chat))`, summed over
   * the response's tokens and the end of the sequence. This model is the policy.
   *
   * @example
   * ```ts
   * import { loadModel } from "@seraph/seraph";
   *
   * const file = "models/stories260k-f32.gguf";
   * await using policy = await loadModel(file);
   * await using reference = await loadModel(file);
   * const messages = [{ role: "user", content: "Hi" }] as const;
   * const [kind, rude] = await policy.reward(reference, [
   *   { messages, response: "Hello!" },
   *   { messages, response: "Go away." },
   * ]);
   * console.log(kind!.reward - rude!.reward); // 0: the models are the same
   * ```
   *
   * @param reference What the policy was trained from, a model of the same
   * vocabulary.
   * @param examples Chats and their answers; answers to one chat share its run.
   * @param options How the chat is written, and `beta`.
   * @returns One reward an example, in order.
   * @throws {RangeError} If an example does not fit into the contexts, or an
   * option is out of its range.
   * @throws {Error} If the vocabularies differ.
   */
  async reward(
    reference: Model,
    examples: readonly RewardExample[],
    options: RewardOptions = {},
  ): Promise<Reward[]> {
    this.#checkAlive();
    const models = { policy: this, reference, template: this.#template };
    return await impliedRewards(models, examples, options);
  }

  #generation(
    prompt: TokenPrompt | (() => Promise<TokenPrompt>),
    options: GenerateOptions,
  ): Generation {
    if (options.speculation === "draft" && !this.#engine.hasDraft) {
      throw noDraftError();
    }
    const { tokenizer, name: model } = this;
    const operation = typeof prompt === "function" ? "chat" : "text_completion";
    const spans = { model, operation } as const;
    const context = { source: this.#engine, tokenizer, spans };
    return new Generation(context, prompt, options);
  }

  #sessionParts(): SessionParts {
    const { name, tokenizer, config } = this;
    const source = this.#engine;
    const kvBytesOf = (context: number) =>
      kvBytes({ config, context, kv: source.kv });
    const { layers } = config;
    return { source, name, tokenizer, layers, kvBytes: kvBytesOf };
  }

  #local(): GpuEngine {
    if (this.#engine instanceof GpuEngine) return this.#engine;
    throw new TypeError(
      "Cannot lend the parts of a model: it runs in a worker",
    );
  }

  #checkAlive(): void {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
  }
}

function isChat(
  prompt: PromptInput | readonly ChatMessage[],
): prompt is readonly ChatMessage[] {
  return Array.isArray(prompt) && typeof prompt[0] === "object";
}
