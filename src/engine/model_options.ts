import type { RenderChatOptions } from "../chat/render.ts";
import { callSchema, checkTools, readToolCalls } from "../chat/tools.ts";
import type { Prompt } from "../generate/decode.ts";
import type { GenerateOptions } from "../generate/options.ts";
import type { JsonSchema } from "../structure/schema.ts";
import type { StandardSchema } from "../structure/standard_schema.ts";

/** Options for `Model.generate()`. */
export interface GenerateTextOptions extends GenerateOptions {
  /**
   * Whether special tokens are found in a prompt that is all text. Defaults to
   * `false`; `prompt` and `special()` mark single ones.
   */
  special?: boolean | undefined;
}

/** How a chat is written for the model. */
export type ChatFormatOptions = Pick<
  RenderChatOptions,
  "format" | "control" | "markers" | "tools" | "toolChoice"
>;

/** Options for `Model.chat()`. */
export interface ChatOptions extends GenerateOptions, ChatFormatOptions {}

/** Options for `Model.generateObject()`. */
export interface GenerateObjectOptions<S extends StandardSchema | JsonSchema>
  extends Omit<GenerateTextOptions & ChatOptions, "grammar"> {
  /**
   * What the object is like: a schema of a library that keeps to Standard Schema,
   * such as zod or valibot, or a JSON Schema.
   */
  schema: S;
  /**
   * The same as a JSON Schema, for libraries that do not say it themselves.
   * Defaults to what the library says.
   */
  jsonSchema?: JsonSchema | undefined;
}

/** The type of the object that a schema describes. */
export type ObjectOf<S> = S extends StandardSchema
  ? NonNullable<S["~standard"]["types"]>["output"]
  : unknown;

/** What an answer is held to, and how calls are read from it. */
export function callGrammar(
  { grammar, ...options }: ChatOptions,
): Pick<GenerateOptions, "grammar"> & Pick<Prompt, "readToolCalls"> {
  const tools = checkTools(options);
  const schema = callSchema(options);
  if (schema !== undefined && grammar !== undefined) {
    throw new TypeError(
      "Cannot generate: the answer is to be a call and to follow a grammar, one of them is wanted",
    );
  }
  return {
    grammar: schema === undefined ? grammar : { kind: "json", schema },
    ...(tools.length > 0 && grammar === undefined && {
      readToolCalls: (text) => readToolCalls(text, tools),
    }),
  };
}
