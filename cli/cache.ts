import { Command, InvalidArgumentError } from "commander";
import {
  type CachedFile,
  formatBytes,
  listCache,
  pruneCache,
  verifyCache,
} from "../mod.ts";
import { downloadBar } from "./download_bar.ts";
import { interruptSignal } from "./model.ts";
import { jsonOption, number } from "./options.ts";
import { formatTable, printStatus, writeJson, writeLine } from "./output.ts";

/** `seraph cache` */
export function cacheCommand(): Command {
  const cache = new Command("cache")
    .description("look after the downloaded models");
  cache.command("list")
    .description("show what is there")
    .addOption(jsonOption())
    .action(list);
  cache.command("verify")
    .description("hash all files, and tell which are not as they came")
    .addOption(jsonOption())
    .action(verify);
  cache.command("prune")
    .description("remove parts and leftovers that nobody needs, and more")
    .option("--days <n>", "and models not used for so long", number())
    .option(
      "--max-size <size>",
      "and the oldest, down to this: 50GB",
      parseSize,
    )
    .option("--part-days <n>", "days after which a part is old", number())
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .action(prune);
  // Errors of these are reported as those of other commands are.
  for (const command of cache.commands) {
    command.exitOverride().showHelpAfterError("(--help says more)");
  }
  return cache;
}

async function list({ json }: { json?: boolean }): Promise<void> {
  const files = await listCache();
  if (json) writeJson({ files });
  else writeFiles(files);
}

function writeFiles(files: readonly CachedFile[]): void {
  if (files.length > 0) {
    writeLine(formatTable([
      ["file", "kind", "size", "used"],
      ...files.map(({ label, kind, bytes, lastUsed }) => [
        label,
        kind,
        formatBytes(bytes),
        lastUsed.toISOString().slice(0, 10),
      ]),
    ]));
    writeLine();
  }
  writeLine(`${files.length} files, ${formatBytes(sumOf(files))}`);
}

async function verify({ json }: { json?: boolean }): Promise<void> {
  using interrupt = interruptSignal();
  using bar = Deno.stderr.isTerminal() ? await downloadBar() : undefined;
  const files = await verifyCache({
    signal: interrupt.signal,
    onProgress: bar?.onProgress,
  });
  const bad = files.filter(({ problem }) => problem !== undefined);
  if (json) writeJson({ files });
  else {
    for (const { label, path, problem } of bad) {
      writeLine(`${label}: ${problem} (${path})`);
    }
    writeLine(`${files.length - bad.length} of ${files.length} files are good`);
  }
  if (bad.length === 0) return;
  throw new Error(
    `Cannot trust the cache: ${bad.length} of its files are broken, ` +
      "remove them to download them anew",
  );
}

interface PruneFlags {
  days?: number;
  maxSize?: number;
  partDays?: number;
  yes?: boolean;
  json?: boolean;
}

async function prune(
  { days, maxSize, partDays, yes, json }: PruneFlags,
): Promise<void> {
  const criteria = { days, maxBytes: maxSize, partDays };
  const planned = await pruneCache({ ...criteria, dryRun: true });
  if (planned.length > 0 && !yes) {
    if (!json) writeFiles(planned);
    if (!Deno.stdin.isTerminal()) {
      throw new Error(
        `Cannot prune the cache: ${planned.length} files would go and nobody is there to ask, --yes is wanted`,
      );
    }
    if (!confirm("Remove them?")) {
      printStatus("nothing was removed");
      return;
    }
  }
  const removed = planned.length > 0 ? await pruneCache(criteria) : [];
  if (json) writeJson({ removed });
  else {
    const total = formatBytes(sumOf(removed));
    writeLine(`${removed.length} files removed, ${total}`);
  }
}

function sumOf(files: readonly CachedFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Parses `50GB`, `1.5 GiB` or bytes. */
export function parseSize(text: string): number {
  const [, digits, prefix = "", binary] =
    /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError("A size such as 50GB is wanted.");
  }
  const power = " kmgt".indexOf(prefix.toLowerCase() || " ");
  return Number(digits) * (binary ? 1024 : 1000) ** power;
}
