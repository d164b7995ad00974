import { Alternatives } from "../structure/alternatives.ts";
import { isValid } from "../structure/check_value.ts";
import { schemaNode } from "../structure/json_schema.ts";
import { isRecord, type JsonSchema } from "../structure/schema.ts";

/**
 * A function that a model may call, in the form that OpenAI's API has.
 *
 * @example Calling a function and telling its result
 * ```ts
 * import { type ChatMessage, loadModel, type ToolDefinition } from "@seraph/seraph";
 *
 * const weather: ToolDefinition = {
 *   type: "function",
 *   function: {
 *     name: "weather",
 *     description: "Tells the weather of a city",
 *     parameters: {
 *       type: "object",
 *       properties: { city: { type: "string", maxLength: 20 } },
 *       required: ["city"],
 *     },
 *   },
 * };
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * const messages: ChatMessage[] = [{ role: "user", content: "Is it warm?" }];
 * const { toolCalls = [] } = await model.chat(messages, {
 *   tools: [weather],
 *   toolChoice: "required",
 *   maxTokens: 60,
 * }).result();
 * messages.push({ role: "assistant", content: "", toolCalls });
 * for (const { id } of toolCalls) {
 *   messages.push({ role: "tool", content: "21 °C", toolCallId: id });
 * }
 * const answer = model.chat(messages, { tools: [weather], maxTokens: 20 });
 * ```
 */
export interface ToolDefinition {
  /** There are functions only. */
  type: "function";
  /** The function. */
  function: {
    /** Letters, digits, `_`, `-` and `.`, up to 64. */
    name: string;
    /** What it does, for the model. */
    description?: string | undefined;
    /** JSON Schema of its arguments, an object. Defaults to none. */
    parameters?: JsonSchema | undefined;
  };
}

/**
 * Whether a model calls functions: where it wants to, never, at least one, or
 * that of a name.
 */
export type ToolChoice = "auto" | "none" | "required" | { name: string };

/** A call of a function. */
export interface ToolCall {
  /** Tells it from other calls; its result names it. */
  id: string;
  /** The function. */
  name: string;
  /** The arguments, which keep to the function's schema. */
  arguments: Record<string, unknown>;
}

/** Options for tools. */
export interface ToolOptions {
  /** Functions that the model may call. Defaults to none. */
  tools?: readonly ToolDefinition[] | undefined;
  /**
   * Whether it calls them. `"required"` and a name hold the answer to a call;
   * with `"auto"` it is free, and one that is no valid call is text. Defaults to
   * `"auto"`.
   */
  toolChoice?: ToolChoice | undefined;
}

const NAME = /^[\w.-]{1,64}$/;

/**
 * Checks tools, and gives those that are offered.
 *
 * @param options The tools and the choice.
 * @returns The tools, none where the choice is `"none"`.
 * @throws {TypeError} If one is no function definition, or the choice is none of
 * those there are.
 */
export function checkTools(
  { tools = [], toolChoice = "auto" }: ToolOptions,
): readonly ToolDefinition[] {
  if (!Array.isArray(tools)) {
    throw toolError(`tools is ${typeof tools}, an array is wanted`);
  }
  const names = new Set<string>();
  for (const [i, tool] of tools.entries()) {
    const { name } = checkTool(tool, i);
    if (names.has(name)) {
      throw toolError(`tool ${i} is "${name}" again, another name is wanted`);
    }
    names.add(name);
  }
  const isKnown = isRecord(toolChoice)
    ? names.has(toolChoice.name)
    : toolChoice === "auto" || toolChoice === "none" ||
      (toolChoice === "required" && names.size > 0);
  if (!isKnown) {
    throw toolError(
      `toolChoice is ${
        JSON.stringify(toolChoice)
      }, "auto", "none", "required" or the name of one of ${names.size} tools is wanted`,
    );
  }
  return toolChoice === "none" ? [] : tools;
}

function checkTool(tool: unknown, i: number): ToolDefinition["function"] {
  const definition = isRecord(tool) && tool.type === "function"
    ? tool.function
    : undefined;
  if (!isRecord(definition)) {
    throw toolError(
      `tool ${i} is no function, { type: "function", function } is wanted`,
    );
  }
  const { name, description = "", parameters } = definition;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw toolError(
      `tool ${i} has the name ${
        JSON.stringify(name)
      }, up to 64 letters, digits, "_", "-" and "." are wanted`,
    );
  }
  if (typeof description !== "string") {
    throw toolError(
      `tool "${name}" has a description of type ${typeof description}, a string is wanted`,
    );
  }
  if (parameters !== undefined) schemaNode(parameters as JsonSchema);
  return definition as ToolDefinition["function"];
}

function toolError(problem: string): TypeError {
  return new TypeError(`Cannot offer tools: ${problem}`);
}

/**
 * The schema of an answer that must be a call.
 *
 * @param options The tools and the choice.
 * @returns The schema of `{"name": …, "arguments": …}`, `undefined` where an
 * answer is free.
 */
export function callSchema(
  { tools = [], toolChoice = "auto" }: ToolOptions,
): JsonSchema | undefined {
  if (toolChoice === "auto" || toolChoice === "none") return undefined;
  const callable = toolChoice === "required"
    ? tools
    : tools.filter((tool) => tool.function.name === toolChoice.name);
  return {
    anyOf: callable.map((tool, i) => ({
      type: "object",
      properties: {
        name: { const: tool.function.name },
        arguments: moveReferences(
          parametersOf(tool),
          `#/anyOf/${i}/properties/arguments`,
        ),
      },
      required: ["name", "arguments"],
      additionalProperties: false,
    })),
  };
}

/** The arguments are an object, whatever else is said of them. */
function parametersOf(
  { function: { parameters } }: ToolDefinition,
): JsonSchema {
  if (isRecord(parameters)) return { type: "object", ...parameters };
  return parameters === true
    ? { type: "object" }
    : { type: "object", additionalProperties: false };
}

/** A schema that stands deeper: what refers to its root refers to that place. */
function moveReferences(schema: JsonSchema, path: string): JsonSchema {
  const move = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(move);
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => {
        if (key === "enum" || key === "const") return [key, part];
        const isLocal = key === "$ref" && typeof part === "string" &&
          (part === "#" || part.startsWith("#/"));
        return [key, isLocal ? `${path}${part.slice(1)}` : move(part)];
      }),
    );
  };
  return move(schema) as JsonSchema;
}

/**
 * Reads calls from an answer: JSON objects with a name and arguments, one or
 * several behind each other or in an array, and nothing else but the tags and
 * code fences that models put around them.
 *
 * @param text The answer.
 * @param tools The functions that were offered.
 * @returns The calls; none where the text is anything else, or a call of no
 * such function or with wrong arguments is among them.
 */
export function readToolCalls(
  text: string,
  tools: readonly ToolDefinition[],
): ToolCall[] {
  const bare = text.replace(/<\/?tool_call>|```(?:json)?/g, " ");
  const values = readValues(bare)?.flat();
  const calls = values?.map((value) => toCall(value, tools)) ?? [];
  return calls.includes(undefined) ? [] : calls.map((call) => call!);
}

function toCall(
  value: unknown,
  tools: readonly ToolDefinition[],
): ToolCall | undefined {
  if (!isRecord(value)) return undefined;
  const { name, arguments: given = value.parameters ?? {} } = value;
  const tool = tools.find((tool) => tool.function.name === name);
  if (tool === undefined || !isRecord(given)) return undefined;
  const schema = parametersOf(tool);
  const located = { schema, path: "#" };
  if (!isValid(given, located, new Alternatives(schema))) return undefined;
  return { id: createId(), name: tool.function.name, arguments: given };
}

/** The JSON values that a text is made of, if it is. */
function readValues(text: string): unknown[] | undefined {
  const values: unknown[] = [];
  for (let rest = text.trim(); rest !== "";) {
    const end = endOfValue(rest);
    try {
      values.push(JSON.parse(rest.slice(0, end)));
    } catch {
      return undefined;
    }
    rest = rest.slice(end).replace(/^[\s,;]+/, "");
  }
  return values;
}

/** Where the brackets that a text begins with are closed. */
function endOfValue(text: string): number {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (isString) {
      if (char === "\\") i++;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth === 0) return i + 1;
  }
  return text.length;
}

/** Nine letters and digits, which every template takes. */
function createId(): string {
  const alphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const words = crypto.getRandomValues(new Uint32Array(9));
  return Array.from(words, (word) => alphabet[word % alphabet.length]).join("");
}
