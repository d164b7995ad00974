/**
 * Lets the event loop run what waits: timers, I/O, an abort.
 *
 * The engine holds the thread while it waits for the GPU, and a promise that is
 * resolved already gives nothing else a turn.
 *
 * @returns A promise that resolves in the next turn.
 */
export function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as {
    setImmediate?: (callback: () => void) => void;
  };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) setImmediate(resolve); // 6 us in Deno
    else setTimeout(resolve, 0);
  });
}
