import type { CopyProgress } from "../src/gguf/copy.ts";
import { formatBytes } from "../mod.ts";

/** A bar that a person at a terminal sees. */
export interface CopyBar extends Disposable {
  /** Tells how much is done. */
  update(progress: CopyProgress): void;
}

/**
 * Shows a person at a terminal how far a file is.
 *
 * @param what What is done with it.
 * @returns The bar, to be disposed of by the caller; nothing is shown elsewhere.
 */
export async function copyBar(what: string): Promise<CopyBar> {
  if (!Deno.stderr.isTerminal()) {
    return { update: () => {}, [Symbol.dispose]: () => {} };
  }
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: `${what} {bar} {percentage}% {copied}`,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  }, cliProgress.Presets.shades_classic);
  return {
    update({ doneBytes, totalBytes }) {
      const copied = { copied: formatBytes(doneBytes) };
      if (bar.isActive) bar.update(doneBytes, copied);
      else bar.start(totalBytes, doneBytes, copied);
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}
