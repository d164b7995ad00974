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

/** How a server is treated if nobody says otherwise. */
export const MANNERS: Manners = {
  connections: 4,
  pieceBytes: 64 * 2 ** 20,
  idleMs: 60_000,
  retryMs: 500,
  attempts: 10,
  saveMs: 1000,
};
