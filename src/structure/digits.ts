import {
  character,
  choice,
  type Node,
  Rule,
  sequence,
  text,
} from "./syntax.ts";

/** Which numbers {@linkcode digitsNode} writes. */
export interface DigitsOptions {
  /** The least, from 0 on. */
  low: bigint;
  /** The greatest. */
  high: bigint;
  /** Digits behind the point; 0 is none, and no point. Defaults to 0. */
  point?: number;
  /** What they are multiples of. Defaults to 1. */
  modulus?: number;
}

/**
 * The decimal numbers of a range, `value / 10^point`, without leading zeros.
 *
 * @param options The range of the values.
 * @returns Their texts.
 */
export function digitsNode(
  { low, high, point = 0, modulus = 1 }: DigitsOptions,
): Node {
  if (low > high) return choice([]);
  const shortest = Math.max(String(low).length, point + 1);
  const longest = Math.max(String(high).length, point + 1);
  const free = new Map<string, Rule>();
  const nodes: Node[] = [];
  for (let length = shortest; length <= longest; length++) {
    const first = length > point + 1 ? 10n ** BigInt(length - 1) : 0n;
    const last = 10n ** BigInt(length) - 1n;
    const pad = (value: bigint) => String(value).padStart(length, "0");
    const digits = new Digits({
      low: pad(low > first ? low : first),
      high: pad(high < last ? high : last),
      point,
      modulus,
      free,
    });
    nodes.push(digits.from(0, { onLow: true, onHigh: true, rest: 0 }));
  }
  return choice(nodes);
}

/** What of a number is decided by the digits before. */
interface Prefix {
  /** Whether they are those of the least number, or of the greatest. */
  onLow: boolean;
  onHigh: boolean;
  /** What they leave when they are divided. */
  rest: number;
}

/** The numbers of one length, digit by digit. */
class Digits {
  readonly #low: string;
  readonly #high: string;
  readonly #point: number;
  readonly #modulus: number;
  /** Those whose digits are free, by how many there are and what is left. */
  readonly #free: Map<string, Rule>;

  constructor(
    { low, high, point, modulus, free }: {
      low: string;
      high: string;
      point: number;
      modulus: number;
      free: Map<string, Rule>;
    },
  ) {
    this.#low = low;
    this.#high = high;
    this.#point = point;
    this.#modulus = modulus;
    this.#free = free;
  }

  /** The digits from a place on. */
  from(at: number, prefix: Prefix): Node {
    const { onLow, onHigh, rest } = prefix;
    const left = this.#low.length - at;
    if (left === 0) return rest === 0 ? sequence() : choice([]);
    if (onLow || onHigh) return this.#oneAt(at, prefix);
    const key = `${left} ${rest}`;
    let rule = this.#free.get(key);
    if (rule === undefined) {
      rule = new Rule(() => this.#oneAt(at, prefix));
      this.#free.set(key, rule);
    }
    return rule;
  }

  #oneAt(at: number, { onLow, onHigh, rest }: Prefix): Node {
    const low = onLow ? Number(this.#low[at]) : 0;
    const high = onHigh ? Number(this.#high[at]) : 9;
    const left = this.#low.length - at;
    const dot = this.#point > 0 && left === this.#point
      ? text(".")
      : sequence();
    // Digits behind which the same may follow are one range.
    const groups = new Map<string, { digits: number[]; prefix: Prefix }>();
    for (let digit = low; digit <= high; digit++) {
      const prefix = {
        onLow: onLow && digit === low,
        onHigh: onHigh && digit === high,
        rest: (rest * 10 + digit) % this.#modulus,
      };
      const key = JSON.stringify(prefix);
      const group = groups.get(key) ?? { digits: [], prefix };
      group.digits.push(digit);
      groups.set(key, group);
    }
    return choice([...groups.values()].map(({ digits, prefix }) =>
      sequence(
        dot,
        character(digits.map((digit) => [0x30 + digit, 0x30 + digit])),
        this.from(at + 1, prefix),
      )
    ));
  }
}
