import { Command } from "commander";
import { benchCommand } from "./bench.ts";
import { cacheCommand } from "./cache.ts";
import { chatCommand } from "./chat.ts";
import { convertCommand } from "./convert.ts";
import { doctorCommand } from "./doctor.ts";
import { downloadCommand } from "./download.ts";
import { generateCommand } from "./generate.ts";
import { ggufCommand } from "./gguf.ts";
import { inspectCommand } from "./inspect.ts";
import { lintCommand } from "./lint.ts";
import { logitsCommand } from "./logits.ts";
import { quantizeCommand } from "./quantize.ts";
import { detokenizeCommand, tokenizeCommand } from "./tokenize.ts";
import config from "../deno.json" with { type: "json" };

/** Puts the commands together. */
export function createProgram(): Command {
  const program = new Command("seraph")
    .description("Llama-family GGUF models on WebGPU, in Deno.")
    .version(config.version);
  const commands = [
    inspectCommand(),
    ggufCommand(),
    tokenizeCommand(),
    detokenizeCommand(),
    lintCommand(),
    logitsCommand(),
    generateCommand(),
    chatCommand(),
    convertCommand(),
    benchCommand(),
    quantizeCommand(),
    doctorCommand(),
    downloadCommand(),
    cacheCommand(),
  ];
  for (const command of [...commands, program]) {
    command.exitOverride().showHelpAfterError("(--help says more)");
  }
  for (const command of commands) program.addCommand(command);
  return program;
}
