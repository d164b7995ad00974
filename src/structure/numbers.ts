import { ceilAt, type Decimal, floorAt, toDecimal } from "./decimal.ts";
import { digitsNode } from "./digits.ts";
import { jsonText } from "./json_text.ts";
import {
  character,
  choice,
  NEVER,
  type Node,
  optional,
  repeat,
  sequence,
  text,
} from "./syntax.ts";

/** Which numbers are wanted. */
export interface NumberLimits {
  /** Whether they are whole. */
  isInteger: boolean;
  /** The least. Defaults to none. */
  minimum?: number | undefined;
  /** The greatest. Defaults to none. */
  maximum?: number | undefined;
  /** More than this. Defaults to none. */
  exclusiveMinimum?: number | undefined;
  /** Less than this. Defaults to none. */
  exclusiveMaximum?: number | undefined;
  /** What they are multiples of. Defaults to none. */
  multiplesOf?: readonly number[] | undefined;
}

/** Digits that every double can tell apart. */
const DIGITS = 15;
const LARGEST = 10n ** 15n - 1n;

/** Digits behind the point where nothing is said of them. */
const FRACTION = 6;

/** Most multiples that are listed one by one. */
const LISTED = 512;

/** Up to this, multiples are found digit by digit. */
const LARGEST_MODULUS = 100;

const DIGIT = character([[0x30, 0x39]]);
const NONZERO = character([[0x31, 0x39]]);
const SIGN = optional(text("-"));

/** Any number of up to 15 digits, with an exponent of up to two. */
const ANY_NUMBER: Node = sequence(
  SIGN,
  choice([text("0"), sequence(NONZERO, repeat(DIGIT, 0, 8))]),
  optional(sequence(text("."), repeat(DIGIT, 1, FRACTION))),
  optional(
    sequence(
      character([[0x45, 0x45], [0x65, 0x65]]),
      optional(character([[0x2b, 0x2b], [0x2d, 0x2d]])),
      NONZERO,
      optional(DIGIT),
    ),
  ),
);

/**
 * Numbers as JSON writes them: whole ones of up to 15 digits, others of up to 6
 * digits behind the point or as many as their limits have, and, where there are
 * no limits, exponents of up to two digits.
 *
 * @param limits Which ones.
 * @returns Their texts; all of them are exact.
 * @throws {TypeError} If the limits ask for more digits than doubles have.
 */
export function numberNode(limits: NumberLimits): Node {
  const { isInteger, multiplesOf = [] } = limits;
  const low = bounds(limits.minimum, limits.exclusiveMinimum);
  const high = bounds(limits.maximum, limits.exclusiveMaximum);
  const range = { low, high };
  if (multiplesOf.length > 0) {
    return multiplesNode(multiplesOf, isInteger, range);
  }
  if (isInteger) {
    const node = scaledNode(range, 0);
    if (node === NEVER && isBeyond(range)) throw tooFine();
    return node;
  }
  if (low.length === 0 && high.length === 0) return ANY_NUMBER;
  const exact = Math.max(...[...low, ...high].map(({ at }) => at.digits));
  const nodes: Node[] = [];
  for (let digits = 0; digits <= DIGITS; digits++) {
    if (digits > Math.max(exact, FRACTION) && nodes.length > 0) break;
    const node = scaledNode(range, digits);
    if (node !== NEVER) nodes.push(node);
  }
  if (nodes.length === 0 && !isEmpty(range)) throw tooFine();
  return choice(nodes);
}

/** A limit, and whether it is itself left out. */
interface Bound {
  at: Decimal;
  isOpen: boolean;
}

interface NumberRange {
  low: readonly Bound[];
  high: readonly Bound[];
}

function bounds(closed?: number, open?: number): Bound[] {
  return [
    ...closed === undefined ? [] : [{ at: toDecimal(closed), isOpen: false }],
    ...open === undefined ? [] : [{ at: toDecimal(open), isOpen: true }],
  ];
}

/** The least and the greatest value of a range, times `10^digits`. */
function scale(
  { low, high }: NumberRange,
  digits: number,
): { least: bigint; most: bigint } {
  let least = -LARGEST;
  let most = LARGEST;
  for (const { at, isOpen } of low) {
    const value = isOpen ? floorAt(at, digits) + 1n : ceilAt(at, digits);
    if (value > least) least = value;
  }
  for (const { at, isOpen } of high) {
    const value = isOpen ? ceilAt(at, digits) - 1n : floorAt(at, digits);
    if (value < most) most = value;
  }
  return { least, most };
}

/** Numbers of exactly so many digits behind the point. */
function scaledNode(range: NumberRange, point: number, modulus = 1): Node {
  const { least, most } = scale(range, point);
  const positive = digitsNode({
    low: least > 0n ? least : 0n,
    high: most,
    point,
    modulus,
  });
  const negative = digitsNode({
    low: most < 0n ? -most : 1n,
    high: -least,
    point,
    modulus,
  });
  return choice([positive, sequence(text("-"), negative)]);
}

/** Whether a range begins where numbers have more digits than are written. */
function isBeyond(range: NumberRange): boolean {
  return !isEmpty(range) &&
    [...range.low, ...range.high].some(({ at }) => {
      const value = floorAt(at, 0);
      return value > LARGEST || -value > LARGEST;
    });
}

/** Whether a range has nothing in it, however fine. */
function isEmpty({ low, high }: NumberRange): boolean {
  return low.some((a) =>
    high.some((b) => {
      const digits = Math.max(a.at.digits, b.at.digits);
      const difference = ceilAt(b.at, digits) - ceilAt(a.at, digits);
      return difference < 0n ||
        (difference === 0n && (a.isOpen || b.isOpen));
    })
  );
}

function multiplesNode(
  factors: readonly number[],
  isInteger: boolean,
  range: NumberRange,
): Node {
  const modulus = factors.every(Number.isSafeInteger)
    ? factors.reduce(leastCommonMultiple)
    : NaN;
  if (modulus <= LARGEST_MODULUS) return scaledNode(range, 0, modulus);
  const values = listMultiples(factors, isInteger, range);
  if (values.length === 0 && !isEmpty(range)) throw tooFine();
  return choice(values.map(jsonText));
}

/** Multiples next to zero, or to the limit that is next to it. */
function listMultiples(
  factors: readonly number[],
  isInteger: boolean,
  range: NumberRange,
): number[] {
  const step = factors.every(Number.isSafeInteger)
    ? factors.reduce(leastCommonMultiple)
    : Math.max(...factors);
  const digits = toDecimal(step).digits;
  const { least, most } = scale(range, digits);
  const unit = toDecimal(step).value;
  const start = least > 0n ? least : most < 0n ? most : 0n;
  const first = start / unit;
  const values: number[] = [];
  for (let i = 0n; values.length < LISTED && i < 20n * BigInt(LISTED); i++) {
    // 0, 1, -1, 2, -2 …
    const index = first + (i % 2n === 0n ? -(i / 2n) : i / 2n + 1n);
    const scaled = index * unit;
    if (scaled < least || scaled > most) continue;
    const value = Number(`${scaled}e-${digits}`);
    const isWanted = (!isInteger || Number.isInteger(value)) &&
      factors.every((factor) => Number.isInteger(value / factor));
    if (isWanted) values.push(Object.is(value, -0) ? 0 : value);
  }
  return values;
}

function leastCommonMultiple(a: number, b: number): number {
  let [greater, rest] = [a, b];
  while (rest > 0) [greater, rest] = [rest, greater % rest];
  return a / greater * b;
}

function tooFine(): TypeError {
  return new TypeError(
    `no number of up to ${DIGITS} digits is known within its limits`,
  );
}
