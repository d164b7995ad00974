import type { ChatMessage } from "./messages.ts";
import type { ToolDefinition } from "./tools.ts";

/** Writes messages, and the tools that are offered, as one text. */
export type RenderMessages = (
  messages: readonly ChatMessage[],
  tools?: readonly ToolDefinition[],
) => string;

/** Texts that a template can name. */
export interface TemplateTokens {
  /** The template's `bos_token`. */
  bos: string;
  /** The template's `eos_token`. */
  eos: string;
}

/**
 * Compiles the Jinja template of a model file. The interpreter is loaded on the
 * first call, so that a program without templates never loads it.
 *
 * @param source The template, as in `tokenizer.chat_template`.
 * @param tokens Texts of the special tokens that the template can name.
 * @returns A function that renders messages and the cue for the answer. It
 * throws an `Error` where the template does.
 * @throws {SyntaxError} Where the template cannot be parsed.
 */
export async function compileTemplate(
  source: string,
  tokens: TemplateTokens,
): Promise<RenderMessages> {
  const { Template } = await import("@huggingface/jinja");
  const template = parse(() => new Template(source));
  return (messages, tools = []) => {
    try {
      return template.render({
        // plain copies: a template sees nothing but what it knows of
        messages: messages.map(toTemplate),
        ...(tools.length > 0 && { tools }),
        ["add_generation_prompt"]: true,
        ["bos_token"]: tokens.bos,
        ["eos_token"]: tokens.eos,
      });
    } catch (error) {
      throw new Error(
        `Cannot render the chat template: ${messageOf(error)}`,
        { cause: error },
      );
    }
  };
}

/** A message as templates name its parts. */
function toTemplate(
  { role, content, toolCalls, toolCallId, name }: ChatMessage,
) {
  return {
    role,
    content,
    ...(toolCalls !== undefined && toolCalls.length > 0 && {
      ["tool_calls"]: toolCalls.map(({ id, name, arguments: given }) => ({
        id,
        type: "function",
        function: { name, arguments: given },
      })),
    }),
    ...(toolCallId !== undefined && { ["tool_call_id"]: toolCallId }),
    ...(role === "tool" && name !== undefined && { name }),
  };
}

function parse<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new SyntaxError(
      `Cannot parse the chat template: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
