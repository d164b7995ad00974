const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;

/**
 * Orders places by a key, ascending; equals stay in the order they are in. A
 * radix sort: of a whole vocabulary many times faster than comparing.
 *
 * @param keys One a place, u32.
 * @param order The places in their order so far. Defaults to one after the other.
 * @returns The places in the new order.
 */
export function radixOrder(
  keys: Uint32Array,
  order: Uint32Array = firstPlaces(keys.length),
): Uint32Array {
  const starts = new Uint32Array(DIGITS);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    starts.fill(0);
    for (let i = 0; i < keys.length; i++) {
      starts[(keys[i]! >>> shift) % DIGITS]!++;
    }
    let start = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = starts[digit]!;
      starts[digit] = start;
      start += count;
    }
    const next = new Uint32Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const place = order[i]!;
      next[starts[(keys[place]! >>> shift) % DIGITS]!++] = place;
    }
    order = next;
  }
  return order;
}

/** The numbers from 0 to before `count`. */
export function firstPlaces(count: number): Uint32Array {
  const places = new Uint32Array(count);
  for (let i = 0; i < count; i++) places[i] = i;
  return places;
}
