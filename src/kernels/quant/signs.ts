/**
 * Eight signs of which only seven are stored: the number of negative ones is
 * even.
 *
 * @param seven The first seven, a bit each, set where it is negative.
 * @returns All eight.
 */
export function evenSigns(seven: number): number {
  let odd = 0;
  for (let bits = seven; bits > 0; bits &= bits - 1) odd ^= 1;
  return seven | odd << 7;
}

/** -1 where bit `i` of the signs is set, else 1. */
export function signAt(signs: number, i: number): number {
  return 1 - 2 * (signs >> i & 1);
}
