/** A failure that may be gone at the next attempt. */
export class TransferError extends Error {
  /** How long the server wants to be left alone; `undefined` if it says nothing. */
  readonly waitMs: number | undefined;

  /**
   * Creates a {@linkcode TransferError}.
   *
   * @param message What is wrong, without "Cannot download".
   * @param options Cause, and how long to wait.
   */
  constructor(
    message: string,
    { cause, waitMs }: { cause?: unknown; waitMs?: number | undefined } = {},
  ) {
    super(message, { cause });
    this.name = "TransferError";
    this.waitMs = waitMs;
  }
}

/** What was downloaded so far is of no use: the file is another one now. */
export class ChangedError extends Error {
  /** Whether ranges may still be asked for. */
  readonly ranges: boolean;

  /**
   * Creates a {@linkcode ChangedError}.
   *
   * @param message What has changed.
   * @param options Whether ranges may still be asked for. Defaults to `true`.
   */
  constructor(message: string, { ranges = true }: { ranges?: boolean } = {}) {
    super(message);
    this.name = "ChangedError";
    this.ranges = ranges;
  }
}

/**
 * The error that a user sees.
 *
 * @param label What was to be downloaded.
 * @param problem What is, and what is wanted.
 * @param cause What was thrown.
 */
export function downloadError(
  label: string,
  problem: string,
  cause?: unknown,
): Error {
  const message = `Cannot download "${label}": ${problem}`;
  return new Error(message, cause === undefined ? {} : { cause });
}

/**
 * Says what a failed access of the file system or network means.
 *
 * @param error What was thrown.
 * @returns A sentence without its end, naming a missing permission of Deno's.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    const [, kind = "", what, flag] =
      /^Requires (\w+) access to (?:"([^"]*)")?.*(--allow-\w+)/
        .exec(error.message) ?? [];
    if (flag === undefined) return error.message;
    const verb = { read: "read", write: "write", net: "reach" }[kind] ?? "use";
    const value = what && flag === "--allow-net" ? `=${what}` : "";
    return `no permission to ${verb} ${
      what ? `"${what}"` : "it"
    }, run Deno with ${flag}${value}`;
  }
  return error instanceof Error ? error.message : String(error);
}
