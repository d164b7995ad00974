import { formatBytes } from "../mod.ts";

/** How far the weights of a model are. */
interface WeightsProgress {
  tensor: string;
  doneBytes: number;
  totalBytes: number;
}

/**
 * Creates a bar for what goes through all weights of a model; it is not there
 * before the first are done.
 *
 * @param verb What is done, such as `"converting"`.
 * @returns What is told of the progress, to be disposed of.
 */
export async function weightsBar(
  verb: string,
): Promise<Disposable & { onProgress(progress: WeightsProgress): void }> {
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: `${verb} {bar} {percentage}% {rate}/s {eta_formatted} {tensor}`,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  }, cliProgress.Presets.shades_classic);
  let start = 0;
  return {
    onProgress({ tensor, doneBytes, totalBytes }) {
      if (!bar.isActive) {
        start = performance.now();
        bar.start(totalBytes, 0, { tensor, rate: "-" });
      }
      const seconds = (performance.now() - start) / 1000;
      const rate = seconds > 0.5 ? formatBytes(doneBytes / seconds) : "-";
      bar.update(doneBytes, { tensor, rate });
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}
