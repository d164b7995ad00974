import type { Alternative, Alternatives } from "./alternatives.ts";
import { canonical, propertySchemas } from "./check_value.ts";
import {
  type JsonType,
  keywordOf,
  type Located,
  schemaError,
  typesMeant,
} from "./schema.ts";
import { withKeyword } from "./strings.ts";

/** All types, numbers as one. */
const TYPES: readonly JsonType[] = [
  "null",
  "boolean",
  "number",
  "string",
  "array",
  "object",
];

/**
 * The types that a way to be valid allows by `type`.
 *
 * @param alternative The way.
 * @returns The types, `undefined` where it says nothing of them.
 */
export function typesOf({ all }: Alternative): JsonType[] | undefined {
  const said = withKeyword<JsonType | JsonType[]>(all, "type")
    .map(({ value }) => [value].flat());
  if (said.length === 0) return undefined;
  const types: readonly JsonType[] = ["integer", ...TYPES];
  const allowed = types.filter((type) =>
    said.every((some) =>
      some.includes(type) || (type === "integer" && some.includes("number"))
    )
  );
  return allowed.filter((type) =>
    type !== "integer" || !allowed.includes("number")
  );
}

/**
 * The types that are written for a way to be valid: those that it names, or those
 * whose keywords it has, or all.
 */
export function writtenTypes(alternative: Alternative): readonly JsonType[] {
  const types = typesOf(alternative);
  if (types !== undefined) return types;
  const meant = alternative.all.flatMap(({ schema }) => typesMeant(schema));
  return meant.length > 0 ? [...new Set(meant)] : TYPES;
}

/** The values that a way allows, by `enum` and `const`; all where undefined. */
export function valuesOf({ all }: Alternative): unknown[] | undefined {
  const lists = [
    ...withKeyword<unknown[]>(all, "enum").map(({ value }) => value),
    ...all.flatMap((one) => {
      const value = keywordOf(one, "const");
      return value === undefined ? [] : [[value]];
    }),
  ];
  const [first, ...others] = lists.map((list) =>
    new Map(list.map((value) => [canonical(value), value]))
  );
  if (first === undefined) return undefined;
  return [...first].filter(([key]) => others.every((other) => other.has(key)))
    .map(([, value]) => value);
}

/** What is written of one type. */
export interface Written {
  /** Which way to be valid. */
  alternative: Alternative;
  /** Which type. */
  type: JsonType;
}

/** Tells whether what is written can also be what another schema allows. */
export class Disjointness {
  readonly #alternatives: Alternatives;

  /**
   * Creates a {@linkcode Disjointness}.
   *
   * @param alternatives Takes schemas apart.
   */
  constructor(alternatives: Alternatives) {
    this.#alternatives = alternatives;
  }

  /** Whether nothing that is written is valid in another schema, for certain. */
  isOutside(written: Written, other: Located): boolean {
    return this.#alternatives.of([other])
      .every((one) => this.#areApart(written, one, 0));
  }

  #areApart(written: Written, other: Alternative, depth: number): boolean {
    const { alternative, type } = written;
    if (depth > 16) throw schemaError("#", "nests too deep to be told apart");
    const types = typesOf(other);
    const isTyped = types === undefined || types.includes(type) ||
      (type === "integer" && types.includes("number")) ||
      (type === "number" && types.includes("integer"));
    if (!isTyped) return true;
    const own = valuesOf(alternative);
    const values = valuesOf(other);
    if (own !== undefined && values !== undefined) {
      const keys = new Set(values.map(canonical));
      return own.every((value) => !keys.has(canonical(value)));
    }
    if (type === "number" || type === "integer") {
      return areSpansApart(numberSpan(alternative), numberSpan(other));
    }
    if (type === "string") {
      return areSpansApart(
        span(alternative, "minLength", "maxLength"),
        span(other, "minLength", "maxLength"),
      );
    }
    if (type === "array") {
      return areSpansApart(
        span(alternative, "minItems", "maxItems"),
        span(other, "minItems", "maxItems"),
      );
    }
    return type === "object" &&
      this.#areObjectsApart(alternative, other, depth);
  }

  #areObjectsApart(a: Alternative, b: Alternative, depth: number): boolean {
    const required = requiredOf(a);
    // What the other one wants and this one never writes.
    const names = new Set(
      a.all.flatMap((one) =>
        Object.keys(keywordOf<object>(one, "properties") ?? {})
      ),
    );
    const isOpen = names.size === 0 ||
      withKeyword(a.all, "additionalProperties").some(({ value }) =>
        value !== false
      ) || withKeyword(a.all, "patternProperties").length > 0 ||
      withKeyword(a.all, "minProperties").length > 0;
    for (const name of requiredOf(b)) {
      if (!isOpen && !names.has(name) && !required.has(name)) return true;
    }
    for (const name of required) {
      const own = schemasOf(a, name);
      const theirs = schemasOf(b, name);
      const isApart = this.#alternatives.of(own).every((one) =>
        this.#alternatives.of(theirs).every((other) =>
          (typesOfValues(one) ?? writtenTypes(one)).every((type) =>
            this.#areApart({ alternative: one, type }, other, depth + 1)
          )
        )
      );
      if (isApart) return true;
    }
    return false;
  }
}

/** The types of a way's values, where they are listed. */
function typesOfValues(alternative: Alternative): JsonType[] | undefined {
  return valuesOf(alternative)?.map((value) =>
    value === null
      ? "null"
      : Array.isArray(value)
      ? "array"
      : typeof value as JsonType
  );
}

function requiredOf({ all }: Alternative): Set<string> {
  return new Set(
    withKeyword<string[]>(all, "required").flatMap(({ value }) => value),
  );
}

function schemasOf({ all }: Alternative, name: string): Located[] {
  return all.flatMap((one) => propertySchemas(one, name));
}

interface Span {
  low: number;
  high: number;
  /** Whether the ends are left out. */
  isLowOpen: boolean;
  isHighOpen: boolean;
}

function span({ all }: Alternative, least: string, most: string): Span {
  const values = (keyword: string) =>
    withKeyword<number>(all, keyword).map(({ value }) => value);
  return {
    low: Math.max(0, ...values(least)),
    high: Math.min(Infinity, ...values(most)),
    isLowOpen: false,
    isHighOpen: false,
  };
}

function numberSpan({ all }: Alternative): Span {
  const values = (keyword: string) =>
    withKeyword<number>(all, keyword).map(({ value }) => value);
  const low = Math.max(-Infinity, ...values("minimum"));
  const lowOpen = Math.max(-Infinity, ...values("exclusiveMinimum"));
  const high = Math.min(Infinity, ...values("maximum"));
  const highOpen = Math.min(Infinity, ...values("exclusiveMaximum"));
  return {
    low: Math.max(low, lowOpen),
    high: Math.min(high, highOpen),
    isLowOpen: lowOpen >= low,
    isHighOpen: highOpen <= high,
  };
}

function areSpansApart(a: Span, b: Span): boolean {
  const isBefore = (one: Span, other: Span) =>
    one.high < other.low ||
    (one.high === other.low && (one.isHighOpen || other.isLowOpen));
  return isBefore(a, b) || isBefore(b, a);
}
