import { philox2x32 } from "../../kernels/philox.ts";

/** What a random number is for: each purpose has numbers of its own. */
export const PURPOSES = { draw: 0, xtc: 1 } as const;

/** What random numbers depend on. */
export interface RandomKey {
  /** The generation's seed, u32. */
  seed: number;
  /** Tokens that were chosen before. */
  step: number;
}

/**
 * A random number that depends on nothing but seed, step and purpose.
 *
 * @returns A number from 0 to before 1, of 53 bits.
 */
export function uniform(
  { seed, step }: RandomKey,
  purpose: keyof typeof PURPOSES,
): number {
  const [high, low] = philox2x32(seed, [step, PURPOSES[purpose]]);
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
}
