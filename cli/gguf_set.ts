import { Command, Option } from "commander";
import type { GgufField, GgufValue } from "../src/gguf/field.ts";
import { setFields, typeName } from "../src/gguf/set_fields.ts";
import { GIVEN_TYPES, parseValue } from "./gguf_value.ts";
import { interruptSignal } from "./model.ts";
import { copyBar } from "./copy_bar.ts";
import { readText } from "./tokenize.ts";

interface SetFlags {
  type?: string;
  file?: string;
  remove?: boolean;
  output?: string;
  force?: boolean;
}

/** `seraph gguf set` */
export function setCommand(): Command {
  return new Command("set")
    .description("change a key of a file's metadata; tensors stay as they are")
    .argument("<file>", "GGUF file; of a split one the first part")
    .argument("<key>", "key, such as general.name")
    .argument("[value]", "number, true, false, text, or a list in JSON")
    .addOption(
      new Option("--type <type>", "type of a new key: u32, string, f32[] …")
        .choices(GIVEN_TYPES),
    )
    .option("--file <path>", "take the value from a text file")
    .option("--remove", "remove the key")
    .option("-o, --output <path>", "file to write, not the same one again")
    .option("--force", "also what may break the file, or replaces another")
    .action((path, key, value, flags, command) =>
      set(path, key, { value, flags, command })
    );
}

async function set(
  path: string,
  key: string,
  { value, flags, command }: {
    value: string | undefined;
    flags: SetFlags;
    command: Command;
  },
): Promise<void> {
  const given = [value, flags.file, flags.remove || undefined]
    .filter((one) => one !== undefined);
  if (given.length !== 1) {
    command.error("error: one of a value, --file and --remove is wanted");
  }
  const text = flags.file === undefined ? value : await readText(flags.file);
  const change = (before: GgufField | undefined): GgufValue | undefined => {
    if (text === undefined) return undefined;
    return parseValue(flags.type ?? typeOf(key, before), text);
  };
  using interrupt = interruptSignal();
  using bar = await copyBar("writing");
  await setFields(path, [{ key, change }], {
    output: flags.output,
    force: flags.force,
    signal: interrupt.signal,
    onProgress: bar.update,
  });
}

function typeOf(key: string, before: GgufField | undefined): string {
  if (before !== undefined) return typeName(before);
  throw new TypeError(
    `Cannot set ${
      JSON.stringify(key)
    }: the file has no such key, its type is ` +
      "wanted (--type string)",
  );
}
