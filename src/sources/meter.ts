import type { DownloadProgress } from "./options.ts";

/** Progress is told so often, at most. */
const TELL_MS = 100;
/** The rate is that of the last seconds. */
const WINDOW_MS = 5000;

/** What a meter starts with. */
export interface MeterOptions {
  /** What is downloaded, as errors call it. */
  label: string;
  /** Is told how far it is. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** Counts the bytes of a download, and tells of them with rate and time left. */
export class Meter {
  readonly #label: string;
  readonly #onProgress: MeterOptions["onProgress"];
  /** Bytes of all, where that is known. */
  totalBytes: number | undefined = 0;
  #phase: DownloadProgress["phase"] = "downloading";
  #loadedBytes = 0;
  /** Bytes of the files that are finished. */
  #before = 0;
  /** Bytes that count for the rate: those that were there before do not. */
  #moved = 0;
  #marks: { time: number; moved: number }[] = [];
  #told = -Infinity;

  /**
   * Creates a {@linkcode Meter}.
   *
   * @param options What is downloaded, and who is told.
   */
  constructor({ label, onProgress }: MeterOptions) {
    this.#label = label;
    this.#onProgress = onProgress;
  }

  /** There is one more file, of so many bytes if that is known. */
  expect(bytes: number | undefined): void {
    const isKnown = bytes !== undefined && this.totalBytes !== undefined;
    this.totalBytes = isKnown ? this.totalBytes! + bytes : undefined;
  }

  /** Begins another phase of a file, of which `loadedBytes` are done. */
  begin(phase: DownloadProgress["phase"], loadedBytes: number): void {
    const loaded = this.#before + loadedBytes;
    if (phase !== this.#phase) this.#marks = [];
    // What another program moves is told so.
    else if (phase === "waiting") this.#moved += loaded - this.#loadedBytes;
    this.#phase = phase;
    this.#loadedBytes = loaded;
    this.#tell(true);
  }

  /** A file is done; the bytes of the next one count from here. */
  finish(bytes: number): void {
    this.#before += bytes;
    this.#loadedBytes = this.#before;
  }

  /** So many bytes were moved. */
  add(bytes: number): void {
    this.#loadedBytes += bytes;
    this.#moved += bytes;
    const isLast = this.#loadedBytes === this.totalBytes;
    this.#tell(isLast);
  }

  #tell(always: boolean): void {
    const time = performance.now();
    if (this.#onProgress === undefined) return;
    if (!always && time - this.#told < TELL_MS) return;
    this.#told = time;
    this.#marks.push({ time, moved: this.#moved });
    while (this.#marks.length > 2 && time - this.#marks[1]!.time > WINDOW_MS) {
      this.#marks.shift();
    }
    const first = this.#marks[0]!;
    const seconds = (time - first.time) / 1000;
    const bytesPerSecond = seconds > 0
      ? (this.#moved - first.moved) / seconds
      : 0;
    const left = this.totalBytes === undefined
      ? undefined
      : this.totalBytes - this.#loadedBytes;
    this.#onProgress({
      label: this.#label,
      phase: this.#phase,
      loadedBytes: this.#loadedBytes,
      totalBytes: this.totalBytes,
      bytesPerSecond,
      secondsLeft: left === undefined || bytesPerSecond === 0
        ? undefined
        : left / bytesPerSecond,
    });
  }
}
