import type { ObjectSchema } from "../structure/standard_schema.ts";
import type { Generation } from "./generation.ts";
import type { GenerationResult, Piece } from "./result.ts";

/** What the generation of an object came to. */
export interface ObjectResult<T> extends GenerationResult {
  /** The object, as its schema gives it. */
  object: T;
}

/**
 * An object being generated. It starts when it is first read: iterate it for the
 * pieces of its JSON text, or await {@linkcode ObjectGeneration.object}.
 */
export class ObjectGeneration<T>
  implements AsyncIterable<Piece>, AsyncDisposable {
  readonly #generation: Generation;
  readonly #schema: ObjectSchema<T>;
  #result: Promise<ObjectResult<T>> | undefined;

  /**
   * Creates an {@linkcode ObjectGeneration}.
   *
   * @param generation The text, held to the schema.
   * @param schema Checks what it says.
   */
  constructor(generation: Generation, schema: ObjectSchema<T>) {
    this.#generation = generation;
    this.#schema = schema;
  }

  /**
   * The object; generates it where nobody reads the pieces.
   *
   * @throws As {@linkcode ObjectGeneration.result} does.
   */
  get object(): Promise<T> {
    return this.result().then(({ object }) => object);
  }

  /** The pieces of the text as they come; it can be read once. */
  [Symbol.asyncIterator](): AsyncIterator<Piece> {
    return this.#generation[Symbol.asyncIterator]();
  }

  /**
   * The object and all that is known of its generation.
   *
   * @returns The result.
   * @throws {SyntaxError} If the text was cut off: by a stop string, or by who
   * read it.
   * @throws {TypeError} If the schema's own checks refuse the object.
   * @throws What reading the pieces throws, such as the signal's reason.
   */
  result(): Promise<ObjectResult<T>> {
    this.#result ??= this.#finish();
    return this.#result;
  }

  /**
   * The pieces as a stream, as {@linkcode Generation.toReadableStream} gives them.
   *
   * @returns The stream.
   * @throws {TypeError} If the pieces are read already.
   */
  toReadableStream(): ReadableStream<Piece> {
    return this.#generation.toReadableStream();
  }

  /**
   * The JSON text as a stream, as {@linkcode Generation.toTextStream} gives it.
   *
   * @returns The stream, without empty texts.
   * @throws {TypeError} If the pieces are read already.
   */
  toTextStream(): ReadableStream<string> {
    return this.#generation.toTextStream();
  }

  /** Ends it where it is still under way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#generation[Symbol.asyncDispose]();
  }

  async #finish(): Promise<ObjectResult<T>> {
    const result = await this.#generation.result();
    const object = await this.#schema.validate(parse(result));
    return { ...result, object };
  }
}

function parse({ text, finishReason }: GenerationResult): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot parse the generated object: it ends at ${
        JSON.stringify(text.slice(-20))
      } by "${finishReason}"`,
      { cause },
    );
  }
}
