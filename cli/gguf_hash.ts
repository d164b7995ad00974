import { Command } from "commander";
import { hashGguf } from "../src/gguf/hash_file.ts";
import { copyBar } from "./copy_bar.ts";
import { interruptSignal } from "./model.ts";
import { jsonOption } from "./options.ts";
import { writeJson, writeLine } from "./output.ts";

/** `seraph gguf hash` */
export function hashCommand(): Command {
  return new Command("hash")
    .description("print SHA-256 of tensors, as llama.cpp's gguf-hash does")
    .argument("<file>", "GGUF file, or a part of a split one")
    .option("--no-layer", "only the hash of all tensors together")
    .addOption(jsonOption())
    .action(hash);
}

async function hash(
  path: string,
  { json, layer }: { json?: boolean; layer: boolean },
): Promise<void> {
  using interrupt = interruptSignal();
  using bar = await copyBar("hashing");
  const { tensors, sha256 } = await hashGguf(path, {
    signal: interrupt.signal,
    onProgress: bar.update,
  });
  bar[Symbol.dispose]();
  const shown = layer ? tensors : [];
  if (json) {
    writeJson({ label: path, sha256, ...(layer && { tensors }) });
    return;
  }
  const line = (hash: string, name: string) => `sha256    ${hash}  ${name}`;
  for (const { name, sha256 } of shown) {
    writeLine(line(sha256, `${path}:${name}`));
  }
  writeLine(line(sha256, path));
}
