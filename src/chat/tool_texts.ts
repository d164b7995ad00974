import { isRecord } from "../structure/schema.ts";
import type { ChatMessage } from "./messages.ts";
import type { ToolDefinition } from "./tools.ts";

/** Changes a text that is data, not the format's own. */
export type ChangeText = (text: string) => string;

/**
 * Changes every text of a message.
 *
 * @param message The message.
 * @param change What to do with each text.
 * @returns The changed message.
 */
export function mapMessage(
  message: ChatMessage,
  change: ChangeText,
): ChatMessage {
  const { role, content, toolCalls, toolCallId, name } = message;
  return {
    role,
    content: change(content),
    ...(toolCalls !== undefined && {
      toolCalls: toolCalls.map((call) => ({
        id: change(call.id),
        name: change(call.name),
        arguments: mapJson(call.arguments, change) as Record<string, unknown>,
      })),
    }),
    ...(toolCallId !== undefined && { toolCallId: change(toolCallId) }),
    ...(name !== undefined && { name: change(name) }),
  };
}

/** All texts of a message. */
export function textsOf(message: ChatMessage): string[] {
  const texts: string[] = [];
  mapMessage(message, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}

/** Changes every text of tools: names and descriptions, and those of schemas. */
export function mapTools(
  tools: readonly ToolDefinition[],
  change: ChangeText,
): ToolDefinition[] {
  return tools.map(({ type, function: { name, description, parameters } }) => ({
    type,
    function: {
      name: change(name),
      ...(description !== undefined && { description: change(description) }),
      ...(parameters !== undefined && {
        parameters: mapSchema(parameters, change) as Record<string, unknown>,
      }),
    },
  }));
}

/** Keys and texts of a value. */
function mapJson(value: unknown, change: ChangeText): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((part) => mapJson(part, change));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, part]) => [change(key), mapJson(part, change)]),
  );
}

/** A schema, whose keywords templates look for. */
function mapSchema(schema: unknown, change: ChangeText): unknown {
  if (Array.isArray(schema)) return schema.map((one) => mapSchema(one, change));
  if (!isRecord(schema)) return mapJson(schema, change);
  return Object.fromEntries(
    Object.entries(schema).map(([key, part]) => {
      const isKeyword = /^\$?[A-Za-z]+$/.test(key);
      const name = isKeyword ? key : change(key);
      if (!NAMED.has(key) || !isRecord(part)) {
        return [name, mapSchema(part, change)];
      }
      const schemas = Object.entries(part)
        .map(([key, one]) => [change(key), mapSchema(one, change)]);
      return [name, Object.fromEntries(schemas)];
    }),
  );
}

/** Keywords whose keys are names that somebody made up. */
const NAMED: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
]);
