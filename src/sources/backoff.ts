import { downloadError, TransferError } from "./errors.ts";

/** A server that asks for more than this is not waited for. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;
const MAX_WAIT_MS = 30_000;

/** How often and how long to wait between attempts. */
export interface BackoffOptions {
  /** What is downloaded, as errors call it. */
  label: string;
  /** Waits before the second attempt, at most; each next one doubles it. */
  retryMs: number;
  /** Attempts in a row without any progress. */
  attempts: number;
  /** Ends a wait. */
  signal?: AbortSignal | undefined;
}

/** Counts attempts and waits between them. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failed = 0;

  /**
   * Creates a {@linkcode Backoff}.
   *
   * @param options How often and how long.
   */
  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** There was progress: attempts count from the beginning. */
  reset(): void {
    this.#failed = 0;
  }

  /** Others make progress: it waits as before, and does not give up. */
  forgive(): void {
    this.#failed = Math.min(this.#failed, this.#options.attempts - 2);
  }

  /**
   * Waits until the next attempt: a random part of a time that doubles, so that
   * many programs do not come back at once, or longer if the server wants that.
   *
   * @param error What the attempt threw.
   * @throws The error, if it is no {@linkcode TransferError}; one that says
   * what was tried, if there were enough attempts; the signal's reason.
   */
  async wait(error: unknown): Promise<void> {
    const { label, retryMs, attempts, signal } = this.#options;
    signal?.throwIfAborted();
    if (!(error instanceof TransferError)) throw error;
    this.#failed++;
    const { message, waitMs } = error;
    if (this.#failed >= attempts) {
      const tries = attempts === 1 ? "" : `, after ${attempts} attempts`;
      throw downloadError(label, message + tries, error);
    }
    if (waitMs !== undefined && waitMs > MAX_RETRY_AFTER_MS) {
      const seconds = Math.ceil(waitMs / 1000);
      const problem = `${message}, and wants ${seconds} seconds of rest`;
      throw downloadError(label, problem, error);
    }
    const most = Math.min(MAX_WAIT_MS, retryMs * 2 ** (this.#failed - 1));
    await pause(Math.max(waitMs ?? 0, Math.random() * most), signal);
  }
}

/**
 * Runs something until it succeeds, or fails for good.
 *
 * @param run The attempt.
 * @param options How often and how long.
 * @returns What it returns.
 */
export async function retry<T>(
  run: () => Promise<T>,
  options: BackoffOptions,
): Promise<T> {
  const backoff = new Backoff(options);
  while (true) {
    try {
      return await run();
    } catch (error) {
      await backoff.wait(error);
    }
  }
}

/**
 * Waits.
 *
 * @param ms How long.
 * @param signal Ends it.
 * @throws The signal's reason.
 */
export async function pause(
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(resolve, ms);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * Reads a `Retry-After` header.
 *
 * @param value Seconds, or a date.
 * @param now Milliseconds since 1970.
 * @returns Milliseconds to wait; `undefined` where it says nothing.
 */
export function retryAfterMs(
  value: string | null,
  now: number = Date.now(),
): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
