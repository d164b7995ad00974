/** How a server is treated. */
export interface Manners {
  /** Connections at once. */
  connections: number;
  /** Most bytes that are asked for at once. */
  pieceBytes: number;
  /** Longest silence of a server, in milliseconds. */
  idleMs: number;
  /** See `Backoff`. */
  retryMs: number;
  /** See `Backoff`. */
  attempts: number;
  /** How often what is done is written down, in milliseconds. */
  saveMs: number;
}

/** Attempts to hear of a server at all: a name that was mistyped is told soon. */
const FIRST_ATTEMPTS = 4;

/** How a server is treated that was not heard of yet. */
export function firstManners(manners: Manners): Manners {
  const attempts = Math.min(manners.attempts, FIRST_ATTEMPTS);
  return { ...manners, attempts };
}

/** How a server is treated if nobody says otherwise. */
export const MANNERS: Manners = {
  connections: 4,
  pieceBytes: 64 * 2 ** 20,
  idleMs: 60_000,
  retryMs: 500,
  attempts: 10,
  saveMs: 1000,
};
