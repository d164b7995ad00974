import { Command, Option } from "commander";
import type { ChatMessage, ChatOptions, Model } from "../mod.ts";
import {
  interruptSignal,
  loadWithProgress,
  printSpeed,
  promptBar,
} from "./model.ts";
import {
  collect,
  type GenerateFlags,
  generateOptions,
  jsonOption,
  type LoadFlags,
  loadOptions,
  MODEL,
  toGenerateOptions,
  toLoadOptions,
} from "./options.ts";
import {
  printError,
  printStatus,
  write,
  writeError,
  writeJson,
  writeLine,
} from "./output.ts";
import {
  type SamplingFlags,
  samplingOptions,
  toSamplingOptions,
} from "./sampling_options.ts";

/** `seraph chat` */
export function chatCommand(): Command {
  const command = new Command("chat")
    .description("answer a chat; without --message, talk to the model")
    .argument("<model>", MODEL)
    .argument("[messages...]", "further messages behind --message")
    .option(
      "--message <text>",
      "a message: the user's, the assistant's, the user's …",
      collect,
    )
    .option("--system <text>", "system message, where the format has one")
    .addOption(
      new Option("--control <token>", "end the prompt with a control token")
        .choices(["good", "bad"]),
    )
    .addOption(
      new Option("--format <format>", "how the chat is written")
        .choices(["auto", "tulu2", "halos", "tulu2-eos", "template"])
        .default("tulu2"),
    )
    .addOption(
      new Option("--markers <mode>", "turn markers inside messages")
        .choices(["neutralize", "reject", "allow"]).default("neutralize"),
    );
  const options = [generateOptions(), loadOptions(), samplingOptions()];
  for (const option of options.flat()) command.addOption(option);
  return command.addOption(jsonOption()).action(chat);
}

interface Flags extends GenerateFlags, SamplingFlags, LoadFlags {
  message?: string[];
  system?: string;
  control?: "good" | "bad";
  format: NonNullable<ChatOptions["format"]>;
  markers: NonNullable<ChatOptions["markers"]>;
  json?: boolean;
}

async function chat(
  path: string,
  further: readonly string[],
  flags: Flags,
  command: Command,
): Promise<void> {
  const { json } = flags;
  const contents = [...flags.message ?? [], ...further];
  const message = contents.length > 0 ? contents : undefined;
  if (json && message === undefined) {
    command.error("error: --json needs --message");
  }
  if (message !== undefined && message.length % 2 === 0) {
    command.error(
      `error: ${message.length} messages end with the assistant's, the user's is wanted last`,
    );
  }
  using interrupt = interruptSignal();
  await using model = await loadWithProgress(path, {
    ...toLoadOptions(flags),
    signal: interrupt.signal,
  });
  if (message === undefined) {
    interrupt[Symbol.dispose]();
    await converse(model, flags);
    return;
  }
  const messages = toMessages(flags, message);
  const options = await toChatOptions(flags, interrupt.signal);
  const generation = model.chat(messages, options);
  if (json) {
    const result = await generation.result();
    const { prompt, ids } = await model.renderChat(messages, options);
    writeJson({ ...result, prompt, promptIds: ids });
    return;
  }
  for await (const { text } of generation) write(text);
  writeLine();
  printSpeed(await generation.result());
}

function toMessages(
  { system }: Flags,
  contents: readonly string[],
): ChatMessage[] {
  const turns = contents.map((content, i): ChatMessage => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content,
  }));
  return system === undefined
    ? turns
    : [{ role: "system", content: system }, ...turns];
}

async function toChatOptions(
  flags: Flags,
  signal: AbortSignal,
): Promise<ChatOptions> {
  const { control, format, markers } = flags;
  return {
    ...toGenerateOptions(flags, signal),
    ...toSamplingOptions(flags),
    onPrompt: await promptBar(),
    format,
    markers,
    ...(control !== undefined && { control }),
  };
}

/** Talks until the input ends; Ctrl-C stops an answer, twice leaves. */
async function converse(model: Model, flags: Flags): Promise<void> {
  printStatus(
    `${model.device}. Ctrl-D or an empty line leaves, Ctrl-C stops an answer.`,
  );
  const contents: string[] = [];
  printPrompt();
  for await (const line of readLines(Deno.stdin.readable)) {
    if (line.trim() === "") break;
    contents.push(line);
    const answer = await answerOnce(model, flags, contents);
    if (answer === undefined) contents.pop();
    else contents.push(answer);
    printPrompt();
  }
}

function printPrompt(): void {
  if (Deno.stdin.isTerminal()) writeError("> ");
}

// Not node:readline: it takes Ctrl-C from the terminal, also while a model talks.
async function* readLines(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** The answer, also a stopped one; `undefined` after an error. */
async function answerOnce(
  model: Model,
  flags: Flags,
  contents: readonly string[],
): Promise<string | undefined> {
  using interrupt = interruptSignal();
  const messages = toMessages(flags, contents);
  let answer = "";
  try {
    const generation = model.chat(
      messages,
      await toChatOptions(flags, interrupt.signal),
    );
    for await (const { text } of generation) {
      write(text);
      answer += text;
    }
    writeLine();
    printSpeed(await generation.result());
    return answer;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    writeLine();
    if (interrupt.signal.aborted) return answer;
    printError(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
