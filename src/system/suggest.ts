/**
 * Finds names that one may have meant.
 *
 * @param name What was written.
 * @param names What there is.
 * @returns The nearest of them, at most three, best first.
 */
export function suggest(
  name: string,
  names: readonly string[],
): string[] {
  const most = Math.max(2, Math.ceil(name.length / 3));
  // Distance is at least the difference in length: most names end here.
  return names.filter((one) => Math.abs(one.length - name.length) <= most)
    .map((one) => ({ one, distance: distance(name, one) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ one }) => one);
}

/** Characters that have to be added, dropped or replaced, case aside. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = row[j]! + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
