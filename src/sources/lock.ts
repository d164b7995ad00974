import { pause } from "./backoff.ts";

const POLL_MS = 200;

/** Options for {@linkcode acquireLock}. */
export interface LockOptions {
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
  /** Called again and again while another program has the lock. */
  onWait?: (() => Promise<void> | void) | undefined;
}

/**
 * Locks a file, so that one program at a time does what it stands for. The
 * system gives the lock back when a program ends, however it ends.
 *
 * @param path The file, which is made and removed again.
 * @param options Interruption, and who is told of waiting.
 * @returns What gives the lock back.
 */
export async function acquireLock(
  path: string,
  { signal, onWait }: LockOptions = {},
): Promise<AsyncDisposable> {
  while (true) {
    signal?.throwIfAborted();
    const lock = await tryLock(path);
    if (lock !== undefined) return lock;
    await onWait?.();
    await pause(POLL_MS, signal);
  }
}

/**
 * Locks a file if nobody else has it locked.
 *
 * @param path The file, which is made and removed again.
 * @returns What gives the lock back; `undefined` where somebody has it.
 */
export async function tryLock(
  path: string,
): Promise<AsyncDisposable | undefined> {
  const file = await Deno.open(path, { create: true, write: true });
  let isOurs = false;
  try {
    isOurs = await file.tryLock(true) && await isAt(path, file);
  } finally {
    if (!isOurs) file.close();
  }
  if (!isOurs) return undefined;
  return {
    async [Symbol.asyncDispose]() {
      // Windows lets no open file go: there it stays, empty.
      if (Deno.build.os !== "windows") await Deno.remove(path).catch(() => {});
      file.close();
    },
  };
}

/**
 * Whether a path still leads to an open file: who had the lock before may have
 * removed it after we opened it.
 */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  if (Deno.build.os === "windows") return true;
  const [ours, there] = await Promise.all([
    file.stat(),
    Deno.stat(path).catch(() => undefined),
  ]);
  return there?.ino === ours.ino && there.dev === ours.dev;
}
