import { Command } from "commander";
import { loadTokenizer } from "../mod.ts";
import { integers, jsonOption, MODEL } from "./options.ts";
import { formatTable, writeJson, writeLine } from "./output.ts";

/** `seraph tokenize` */
export function tokenizeCommand(): Command {
  return new Command("tokenize")
    .description("turn text into token ids; needs no GPU")
    .argument("<model>", `${MODEL}; a vocabulary without weights will do`)
    .option("--text <text>", "the text")
    .option("--file <path>", "a file with the text")
    .option("--special", "find special tokens in the text")
    .option("--no-bos", "do not add BOS")
    .addOption(jsonOption())
    .action(tokenize);
}

interface TokenizeFlags {
  text?: string;
  file?: string;
  special?: boolean;
  bos: boolean;
  json?: boolean;
}

async function tokenize(
  path: string,
  { text, file, special = false, bos, json }: TokenizeFlags,
  command: Command,
): Promise<void> {
  if ((text === undefined) === (file === undefined)) {
    command.error("error: one of --text and --file is wanted");
  }
  const tokenizer = await loadTokenizer(path);
  const ids = tokenizer.encode(text ?? await readText(file!), {
    special,
    // Without the flag the file decides.
    ...(!bos && { bos: false }),
  });
  const pieces = tokenizer.pieces(ids);
  if (json) {
    writeJson({ ids, pieces });
    return;
  }
  writeLine(formatTable(ids.map((id, i) => [id, JSON.stringify(pieces[i])])));
}

/** Reads a text file. */
export async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(
      `Cannot read "${path}": ${
        error instanceof Deno.errors.NotFound
          ? "no such file"
          : error instanceof Deno.errors.IsADirectory
          ? "it is a directory"
          : (error as Error).message
      }`,
      { cause: error },
    );
  }
}

/** `seraph detokenize` */
export function detokenizeCommand(): Command {
  return new Command("detokenize")
    .description("turn token ids into text as llama.cpp does; needs no GPU")
    .argument("<model>", `${MODEL}; a vocabulary without weights will do`)
    .requiredOption("--ids <ids>", "token ids: 1,2,3", integers)
    .option("--special", "show special tokens by their names")
    .addOption(jsonOption())
    .action(detokenize);
}

async function detokenize(
  path: string,
  { ids, special = false, json }: {
    ids: number[];
    special?: boolean;
    json?: boolean;
  },
): Promise<void> {
  const tokenizer = await loadTokenizer(path);
  const text = tokenizer.decode(ids, {
    special,
    prefix: "first",
    cleanSpaces: true,
  });
  if (json) writeJson({ text });
  else writeLine(text);
}
