import { type DownloadProgress, formatBytes } from "../mod.ts";

const BAR_COLUMNS = 24;
/** A shorter bar says nothing. */
const LEAST_BAR_COLUMNS = 6;
const DEFAULT_COLUMNS = 80;

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
    format: (
      _options: unknown,
      _bar: unknown,
      { progress }: { progress: DownloadProgress },
    ) => downloadLine(progress, columnsOf()),
    hideCursor: true,
    clearOnComplete: true,
  }, cliProgress.Presets.shades_classic);
  return {
    onProgress(progress) {
      const { loadedBytes, totalBytes } = progress;
      const total = totalBytes ?? loadedBytes;
      if (!bar.isActive) bar.start(total, loadedBytes, { progress });
      bar.setTotal(total);
      bar.update(loadedBytes, { progress });
      // What comes next has a bar of its own.
      const isOver = progress.phase === "verifying" && loadedBytes === total;
      if (isOver) bar.stop();
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

/**
 * Says how far a download is.
 *
 * @param progress How far it is.
 * @param columns The width of the terminal: what does not fit, and matters less,
 * is left out, the bar first.
 */
export function downloadLine(
  { phase, loadedBytes, totalBytes, bytesPerSecond, secondsLeft }:
    DownloadProgress,
  columns: number,
): string {
  const doing = phase === "waiting" ? "another program is downloading" : phase;
  const total = totalBytes === undefined
    ? ""
    : ` of ${formatBytes(totalBytes)}`;
  const loaded = formatBytes(loadedBytes) + total;
  const rate = ` at ${formatBytes(Math.round(bytesPerSecond))}/s`;
  const left = secondsLeft === undefined
    ? ""
    : `, ${formatTime(secondsLeft)} left`;
  const lines = [
    `${doing} ${loaded}${rate}${left}`,
    `${loaded}${rate}${left}`,
    `${loaded}${left}`,
    loaded,
  ];
  const room = columns - lines[0]!.length - 1;
  if (room < LEAST_BAR_COLUMNS) {
    return lines.find(({ length }) => length <= columns) ?? loaded;
  }
  const bar = formatBar(loadedBytes / (totalBytes ?? Infinity), room);
  return `${doing} ${bar} ${loaded}${rate}${left}`;
}

function formatBar(part: number, room: number): string {
  const size = Math.min(BAR_COLUMNS, room);
  const done = Math.floor(size * Math.min(1, part || 0));
  return "█".repeat(done) + "░".repeat(size - done);
}

function columnsOf(): number {
  try {
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
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
