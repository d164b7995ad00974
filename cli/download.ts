import { Command, InvalidArgumentError } from "commander";
import { downloadModel } from "../mod.ts";
import { downloadBar } from "./download_bar.ts";
import { interruptSignal } from "./model.ts";
import { jsonOption } from "./options.ts";
import { printStatus, writeJson, writeLine } from "./output.ts";

/** `seraph download` */
export function downloadCommand(): Command {
  return new Command("download")
    .description("download a model to the cache, and print where it is")
    .argument("<source>", "http(s) URL or hf:owner/repo[/file][:quant]")
    .option("--sha256 <hex>", "the SHA-256 that it must have", parseHash)
    .addOption(jsonOption())
    .action(download);
}

async function download(
  source: string,
  { sha256, json }: { sha256?: string; json?: boolean },
): Promise<void> {
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  using bar = Deno.stderr.isTerminal() ? await downloadBar() : undefined;
  try {
    const model = await downloadModel(source, {
      sha256,
      signal,
      onProgress: bar?.onProgress,
    });
    if (json) writeJson(model);
    else for (const path of model.paths) writeLine(path);
  } catch (error) {
    if (signal.aborted) {
      printStatus("interrupted; the same command goes on from here");
    }
    throw error;
  }
}

function parseHash(text: string): string {
  if (/^[\da-f]{64}$/i.test(text)) return text;
  throw new InvalidArgumentError("64 hex digits are wanted.");
}
