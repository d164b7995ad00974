import { Command } from "commander";
import { interruptSignal, loadWithProgress } from "./model.ts";
import {
  integer,
  integers,
  jsonOption,
  type LoadFlags,
  loadOptions,
  MODEL,
  toLoadOptions,
} from "./options.ts";
import { formatTable, writeJson, writeLine } from "./output.ts";

/** `seraph logits` */
export function logitsCommand(): Command {
  const command = new Command("logits")
    .description("show how likely a model finds a text, token by token")
    .argument("<model>", MODEL)
    .requiredOption("--ids <ids>", "token ids, taken as they are", integers)
    .option("--top <n>", "best next tokens to show", integer(), 10);
  for (const option of loadOptions()) command.addOption(option);
  return command.addOption(jsonOption()).action(logits);
}

interface LogitsFlags extends LoadFlags {
  ids: number[];
  top: number;
  json?: boolean;
}

async function logits(path: string, flags: LogitsFlags): Promise<void> {
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  await using model = await loadWithProgress(path, {
    ...toLoadOptions(flags),
    signal,
  });
  const { ids, top } = flags;
  const { loglikelihood, positions } = await model.score(ids, { top, signal });
  if (flags.json) {
    writeJson({ loglikelihood, positions });
    return;
  }
  const piece = (id: number) => JSON.stringify(model.tokenizer.pieces([id])[0]);
  writeLine(formatTable([
    ["token", "piece", "logprob", "best next"],
    ...positions.map(({ id, logprob, top }) => [
      id,
      piece(id),
      logprob?.toFixed(4) ?? "",
      top.slice(0, 3).map((next) =>
        `${piece(next.id)} ${next.logprob.toFixed(2)}`
      ).join("  "),
    ]),
  ]));
  writeLine(`log-likelihood ${loglikelihood.toFixed(6)}`);
}
