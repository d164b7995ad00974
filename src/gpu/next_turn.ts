/** Milliseconds within which signals and I/O are to have their turn. */
const PATIENCE_MS = 100;

/** Milliseconds that others can wait for a turn where there is much to do. */
const DUE_MS = 8;

// The event loop is the thread's, and so is the time when it had a whole turn.
let lastWholeTurn = 0;
let lastTurn = 0;

/**
 * Lets the event loop run what waits: timers, I/O, an abort.
 *
 * The engine holds the thread while it waits for the GPU, and a promise that is
 * resolved already gives nothing else a turn. In Deno `setImmediate` takes some
 * us, but signals and I/O may wait for seconds behind a row of them; a timer
 * takes a ms or more, and lets them through.
 *
 * @returns A promise that resolves in the next turn.
 */
export function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as {
    setImmediate?: (callback: () => void) => void;
  };
  const now = lastTurn = performance.now();
  if (setImmediate !== undefined && now - lastWholeTurn < PATIENCE_MS) {
    return new Promise((resolve) => setImmediate(resolve));
  }
  lastWholeTurn = now;
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Lets the event loop run what waits, where that has waited for some time: a turn
 * costs as much as the CPU's part of a step of a small model.
 *
 * @returns A promise that resolves now, or in the next turn.
 */
export function nextTurnWhenDue(): Promise<void> {
  return performance.now() - lastTurn < DUE_MS ? Promise.resolve() : nextTurn();
}
