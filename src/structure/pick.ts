import {
  choice,
  EMPTY,
  NEVER,
  type Node,
  Rule,
  sequence,
  text,
} from "./syntax.ts";

/** Something that may stand in a list, once. */
export interface Entry {
  /** Its text. */
  node: Node;
  /** Whether it must be there. */
  isRequired: boolean;
}

/**
 * Lists some entries in their order, with commas between them.
 *
 * @param entries The entries.
 * @param counts Fewest and most of them.
 * @returns The texts.
 */
export function pick(
  entries: readonly Entry[],
  { min, max }: { min: number; max: number },
): Node {
  const required = entries.filter(({ isRequired }) => isRequired).length;
  if (required > max || entries.length < min) return NEVER;
  // Counted no further than it makes a difference.
  const most = max >= entries.length
    ? Math.max(1, min <= required ? 0 : min)
    : max;
  const rules = new Map<string, Node>();
  const from = (at: number, count: number): Node => {
    if (at === entries.length) {
      return count >= Math.min(min, most) ? EMPTY : NEVER;
    }
    const key = `${at} ${count}`;
    let rule = rules.get(key);
    if (rule === undefined) {
      rule = new Rule(() => step(at, count));
      rules.set(key, rule);
    }
    return rule;
  };
  const step = (at: number, count: number): Node => {
    const { node, isRequired } = entries[at]!;
    const comma = count > 0 ? text(",") : EMPTY;
    const isFull = max < entries.length && count === max;
    const next = max < entries.length ? count + 1 : Math.min(count + 1, most);
    return choice([
      isFull ? NEVER : sequence(comma, node, from(at + 1, next)),
      isRequired ? NEVER : from(at + 1, count),
    ]);
  };
  return from(0, 0);
}
