import { canonical } from "./check_value.ts";
import { numberLimits, plainTypeOf, type SchemaConverter } from "./convert.ts";
import { ceilAt, floorAt, toDecimal } from "./decimal.ts";
import { jsonText, quoted } from "./json_text.ts";
import { type NumberLimits, numberNode } from "./numbers.ts";
import { objectNode, requiredNames, schemasOf } from "./objects.ts";
import { patternNode } from "./pattern_text.ts";
import type { JsonType, Located } from "./schema.ts";
import { splitByFirst, stringPattern } from "./strings.ts";
import { NEVER, type Node, text } from "./syntax.ts";

/** Parts that a range of numbers is split into. */
const NUMBER_PARTS = 64;

/** How far numbers go that have no limit. */
const OPEN = 1e6;

/**
 * Splits what some schemas allow into parts that have no value in common.
 *
 * @param converter Converts schemas.
 * @param schemas The schemas.
 * @returns The parts; together they are some of what is allowed.
 */
export function distinctParts(
  converter: SchemaConverter,
  schemas: readonly Located[],
): Node[] {
  const listed = new Map<string, unknown>();
  const free = new Map<JsonType, () => Node[]>();
  for (const alternative of converter.alternatives.of(schemas)) {
    const values = converter.values(alternative);
    for (const value of values ?? []) listed.set(canonical(value), value);
    if (values !== undefined) continue;
    for (const type of converter.types(alternative)) {
      const plain = type === "integer" ? "number" : type;
      // One of each type: two could have values in common.
      if (free.has(plain)) continue;
      free.set(plain, () => typedParts(converter, alternative.all, type));
    }
  }
  return [
    ...[...listed.values()].filter((value) => !free.has(plainTypeOf(value)))
      .map(jsonText),
    ...[...free.values()].flatMap((parts) => parts()),
  ];
}

function typedParts(
  converter: SchemaConverter,
  all: readonly Located[],
  type: JsonType,
): Node[] {
  switch (type) {
    case "null":
      return [text("null")];
    case "boolean":
      return [text("false"), text("true")];
    case "integer":
    case "number":
      return numberParts(numberLimits(all, type === "integer"));
    case "string": {
      const pattern = stringPattern(all);
      if (pattern === undefined) return [];
      return [...splitByFirst(pattern).values()]
        .map((part) => quoted(patternNode(part)));
    }
    case "object": {
      for (const name of requiredNames(all)) {
        const parts = distinctParts(converter, schemasOf(all, name));
        if (parts.length < 2) continue;
        return parts.map((node) => objectNode(converter, all, { name, node }));
      }
      return [objectNode(converter, all)];
    }
    case "array":
      return [converter.typed(all, type)];
  }
}

/** Whole numbers one by one, or by their lengths, or ranges of any numbers. */
function numberParts(limits: NumberLimits): Node[] {
  const { minimum = -Infinity, maximum = Infinity } = limits;
  const from = Math.max(minimum, limits.exclusiveMinimum ?? -Infinity);
  const to = Math.min(maximum, limits.exclusiveMaximum ?? Infinity);
  const low = from > -Infinity ? from : Math.min(-OPEN, to - OPEN);
  const high = to < Infinity ? to : Math.max(OPEN, low + OPEN);
  if (low > high) return [];
  const least = Number(ceilAt(toDecimal(low), 0));
  const most = Number(floorAt(toDecimal(high), 0));
  const step = Math.max(1, Math.ceil((most - least + 1) / NUMBER_PARTS));
  const part = (from: number, to: number) =>
    tryNumberNode({
      ...limits,
      minimum: Math.max(minimum, from),
      maximum: Math.min(maximum, to),
    });
  if (most - least < 1) return [numberNode(limits)];
  // Ends of parts are whole: what lies between two of them is in none.
  return Array.from(
    { length: Math.ceil((most - least + 1) / step) },
    (_, i) =>
      part(least + i * step, Math.min(most, least + (i + 1) * step - 1)),
  );
}

/** The numbers of a part, none where no multiple lies in it. */
function tryNumberNode(limits: NumberLimits): Node {
  try {
    return numberNode(limits);
  } catch {
    return NEVER;
  }
}
