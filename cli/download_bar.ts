import { type DownloadProgress, formatBytes } from "../mod.ts";

/** A bar that shows downloads, while there are any. */
export interface DownloadBar extends Disposable {
  /** Takes what there is to show. */
  onProgress: (progress: DownloadProgress) => void;
}

/**
 * Shows a person at a terminal how far a download is.
 *
 * @returns The bar, to be disposed of.
 */
export async function downloadBar(): Promise<DownloadBar> {
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar({
    format: "{phase} {bar} {loaded}{ofAll} at {rate}/s{left}",
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
  }, cliProgress.Presets.shades_classic);
  return {
    onProgress(progress) {
      const { loadedBytes, totalBytes } = progress;
      const total = totalBytes ?? loadedBytes;
      if (!bar.isActive) bar.start(total, loadedBytes, textsOf(progress));
      bar.setTotal(total);
      bar.update(loadedBytes, textsOf(progress));
      // What comes next has a bar of its own.
      const isOver = progress.phase === "verifying" && loadedBytes === total;
      if (isOver) bar.stop();
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

function textsOf(
  { phase, loadedBytes, totalBytes, bytesPerSecond, secondsLeft }:
    DownloadProgress,
): Record<string, string> {
  return {
    phase: phase === "waiting" ? "another program is downloading" : phase,
    loaded: formatBytes(loadedBytes),
    ofAll: totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`,
    rate: formatBytes(Math.round(bytesPerSecond)),
    left: secondsLeft === undefined ? "" : `, ${formatTime(secondsLeft)} left`,
  };
}

/** Seconds as a person says them, such as `1 h 02 min`. */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${two(whole % 60)} s`
    : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
