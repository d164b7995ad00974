import { Command } from "commander";
import { dumpCommand } from "./gguf_dump.ts";
import { hashCommand } from "./gguf_hash.ts";
import { setCommand } from "./gguf_set.ts";
import { mergeCommand, splitCommand } from "./gguf_split.ts";

/** `seraph gguf` */
export function ggufCommand(): Command {
  const group = new Command("gguf")
    .description("look into GGUF files, and change, split and merge them");
  const commands = [
    dumpCommand(),
    setCommand(),
    splitCommand(),
    mergeCommand(),
    hashCommand(),
  ];
  for (const command of commands) {
    command.exitOverride().showHelpAfterError("(--help says more)");
    group.addCommand(command);
  }
  return group;
}
