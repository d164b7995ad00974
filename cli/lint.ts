import { Command, Option } from "commander";
import {
  type ChatMessage,
  formatPromptLint,
  inspectModel,
  lintPrompt,
  type LintPromptOptions,
  type PromptInput,
  Tokenizer,
} from "../mod.ts";
import { integer, integers, jsonOption, MODEL } from "./options.ts";
import { writeJson, writeLine } from "./output.ts";
import { readText } from "./tokenize.ts";

/** `seraph lint` */
export function lintCommand(): Command {
  return new Command("lint")
    .description(
      "show what a model gets of a prompt, and what may not be meant",
    )
    .argument("<model>", `${MODEL}; a vocabulary without weights will do`)
    .option("--text <text>", "a prompt")
    .option("--file <path>", "a file with the prompt")
    .option("--special", "find special tokens in the prompt")
    .option("--ids <ids>", "a prompt in token ids: 1,2,3", integers)
    .option("--user <text>", "a chat of one message")
    .option("--chat <path>", "a file with the messages of a chat, in JSON")
    .addOption(
      new Option("--format <format>", "how the chat is written")
        .choices(["auto", "tulu2", "halos", "tulu2-eos", "template"]),
    )
    .addOption(
      new Option("--control <token>", "control token that ends the chat")
        .choices(["good", "bad"]),
    )
    .option("--context <n>", "positions of the context", integer(1))
    .option("--strict", "fail where there are warnings")
    .addOption(jsonOption())
    .action(lint);
}

interface LintFlags extends Pick<LintPromptOptions, "format" | "control"> {
  text?: string;
  file?: string;
  special?: boolean;
  ids?: number[];
  user?: string;
  chat?: string;
  context?: number;
  strict?: boolean;
  json?: boolean;
}

async function lint(
  path: string,
  flags: LintFlags,
  command: Command,
): Promise<void> {
  const { text, file, ids, user, chat, special, context } = flags;
  const given = [text, file, ids, user, chat]
    .filter((value) => value !== undefined);
  if (given.length !== 1) {
    command.error(
      "error: one of --text, --file, --ids, --user and --chat is wanted",
    );
  }
  const prompt = await readPrompt(flags);
  const { metadata, config } = await inspectModel(path);
  const template = metadata["tokenizer.chat_template"];
  const model = {
    tokenizer: Tokenizer.fromMetadata(metadata),
    contextLength: config?.contextLength,
    template: typeof template === "string" ? template : undefined,
  };
  const { format, control } = flags;
  const options = { special, contextLength: context, format, control };
  const found = await lintPrompt(model, prompt, options);
  if (flags.json) writeJson(found);
  else writeLine(formatPromptLint(found));
  const { length } = found.warnings;
  if (flags.strict && length > 0) {
    throw new Error(`Cannot pass the prompt: it has ${length} warnings`);
  }
}

async function readPrompt(
  { text, file, ids, user, chat }: LintFlags,
): Promise<PromptInput | ChatMessage[]> {
  if (ids !== undefined) return ids;
  if (user !== undefined) return [{ role: "user", content: user }];
  if (chat === undefined) return text ?? await readText(file!);
  const messages = parseJson(await readText(chat), chat);
  if (Array.isArray(messages) && typeof messages[0] === "object") {
    return messages;
  }
  throw new TypeError(
    `Cannot read "${chat}": it is no list of messages, [{"role": "user", "content": "…"}] is wanted`,
  );
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read "${path}": it is no JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
