import type { ChatMessage } from "./messages.ts";
import type { ToolDefinition } from "./tools.ts";

/**
 * Writes tools, calls and results as plain messages of user and assistant, for
 * formats that have no form of their own for them. The first user message tells
 * of the tools; a call is a line of JSON; results are the user's:
 *
 * ```text
 * <|user|>
 * You can call these functions:
 * {"name":"weather","description":"…","parameters":{…}}
 * To call functions, answer with one line of JSON for each call and nothing else:
 * {"name":"…","arguments":{…}}
 *
 * How warm is it in Bonn?
 * <|assistant|>
 * {"name":"weather","arguments":{"city":"Bonn"}}
 * <|user|>
 * Result of weather:
 * 21 °C
 * <|assistant|>
 * ```
 *
 * @param messages A checked chat.
 * @param tools The tools. Defaults to none.
 * @returns Messages of system, user and assistant alone, in turn.
 */
export function writeTools(
  messages: readonly ChatMessage[],
  tools: readonly ToolDefinition[] = [],
): ChatMessage[] {
  const written: ChatMessage[] = [];
  const names = new Map<string, string>();
  let isResult = false;
  for (const message of messages) {
    const { role, content, toolCalls = [], toolCallId, name } = message;
    for (const call of toolCalls) names.set(call.id, call.name);
    if (role !== "tool") {
      const calls = toolCalls.map((call) =>
        JSON.stringify({ name: call.name, arguments: call.arguments })
      );
      const lines = content === "" ? calls : [content, ...calls];
      written.push({ role, content: lines.join("\n") });
    } else {
      const called = name ?? names.get(toolCallId ?? "") ?? "the call";
      const result = `Result of ${called}:\n${content}`;
      const last = written.at(-1);
      if (isResult && last !== undefined) last.content += `\n${result}`;
      else written.push({ role: "user", content: result });
    }
    isResult = role === "tool";
  }
  const first = written.find(({ role }) => role === "user");
  if (tools.length > 0 && first !== undefined) {
    first.content = `${introduce(tools)}\n\n${first.content}`;
  }
  return written;
}

function introduce(tools: readonly ToolDefinition[]): string {
  return [
    "You can call these functions:",
    ...tools.map((tool) => JSON.stringify(tool.function)),
    "To call functions, answer with one line of JSON for each call and nothing else:",
    '{"name":"…","arguments":{…}}',
  ].join("\n");
}
