import type { Alternatives } from "./alternatives.ts";
import { FORMATS } from "./formats.ts";
import {
  at,
  isRecord,
  type JsonType,
  keywordOf,
  type Located,
} from "./schema.ts";

/** The type of a value that JSON can write; `"integer"` where it is whole. */
export function typeOfValue(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") {
    return Number.isInteger(value) ? "integer" : "number";
  }
  return typeof value as JsonType;
}

/**
 * Checks a value as JSON Schema says it. Of formats, what is written for them is
 * taken, which is not all.
 *
 * @param value What `JSON.parse()` gives.
 * @param schema The schema.
 * @param alternatives Takes schemas apart.
 * @returns Whether it is valid.
 */
export function isValid(
  value: unknown,
  schema: Located,
  alternatives: Alternatives,
): boolean {
  const check = (value: unknown, schema: Located): boolean =>
    alternatives.of([schema]).some(({ all, none }) =>
      all.every((one) => holds(value, one, check)) &&
      none.every((one) => !check(value, one))
    );
  return check(value, schema);
}

/** Whether values are the same to JSON Schema. */
export function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return canonical(a) === canonical(b);
}

/** The same text for values that are the same. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (Object.is(part, -0)) return 0;
    return isRecord(part)
      ? Object.fromEntries(
        Object.entries(part).toSorted(([a], [b]) => a < b ? -1 : 1),
      )
      : part;
  });
}

type Check = (value: unknown, schema: Located) => boolean;

/** Whether the keywords of a schema hold, those aside that combine schemas. */
function holds(value: unknown, schema: Located, check: Check): boolean {
  const get = <T>(keyword: string) => keywordOf<T>(schema, keyword);
  const types = [get<JsonType | JsonType[]>("type") ?? []].flat();
  const type = typeOfValue(value);
  const isTyped = types.length === 0 || types.includes(type) ||
    (type === "integer" && types.includes("number"));
  const values = get<unknown[]>("enum");
  if (!isTyped || values?.some((one) => isSame(one, value)) === false) {
    return false;
  }
  const constant = get("const");
  if (constant !== undefined && !isSame(constant, value)) return false;
  if (typeof value === "number") return numberHolds(value, get);
  if (typeof value === "string") return stringHolds(value, get);
  if (Array.isArray(value)) return arrayHolds(value, schema, check);
  return !isRecord(value) || objectHolds(value, schema, check);
}

type Get = <T>(keyword: string) => T | undefined;

function numberHolds(value: number, get: Get): boolean {
  const {
    minimum = -Infinity,
    maximum = Infinity,
    exclusiveMinimum = -Infinity,
    exclusiveMaximum = Infinity,
  } = {
    minimum: get<number>("minimum"),
    maximum: get<number>("maximum"),
    exclusiveMinimum: get<number>("exclusiveMinimum"),
    exclusiveMaximum: get<number>("exclusiveMaximum"),
  };
  const factor = get<number>("multipleOf");
  return value >= minimum && value <= maximum && value > exclusiveMinimum &&
    value < exclusiveMaximum &&
    (factor === undefined || Number.isInteger(value / factor));
}

function stringHolds(value: string, get: Get): boolean {
  const length = [...value].length;
  const pattern = get<string>("pattern");
  const forms = formsOf(get<string>("format"));
  return length >= (get<number>("minLength") ?? 0) &&
    length <= (get<number>("maxLength") ?? Infinity) &&
    (pattern === undefined || patternOf(pattern).test(value)) &&
    (forms === undefined ||
      forms.some((form) => new RegExp(`^(?:${form})$`).test(value)));
}

/** What is written for a format, where that is known. */
function formsOf(format: string | undefined): readonly string[] | undefined {
  const isKnown = format !== undefined && Object.hasOwn(FORMATS, format);
  return isKnown ? FORMATS[format] : undefined;
}

/** A pattern as JSON Schema reads it, or as JavaScript alone does. */
export function patternOf(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return new RegExp(source);
  }
}

function arrayHolds(
  value: readonly unknown[],
  schema: Located,
  check: Check,
): boolean {
  const { length } = value;
  const get = <T>(keyword: string) => keywordOf<T>(schema, keyword);
  const isUnique = !get<boolean>("uniqueItems") ||
    new Set(value.map(canonical)).size === length;
  return isUnique && length >= (get<number>("minItems") ?? 0) &&
    length <= (get<number>("maxItems") ?? Infinity) &&
    value.every((item, i) => {
      const own = itemSchema(schema, i);
      return own === undefined || check(item, own);
    });
}

/**
 * The schema of one item by itself.
 *
 * @param schema The array's.
 * @param i Where the item stands.
 * @returns Its schema, `undefined` where none is said.
 */
export function itemSchema(schema: Located, i: number): Located | undefined {
  const items = keywordOf(schema, "items");
  const keyword = Array.isArray(items) ? "items" : "prefixItems";
  const prefix = keywordOf<unknown[]>(schema, keyword) ?? [];
  if (i < prefix.length) return at(schema, keyword, i);
  const rest = Array.isArray(items) ? "additionalItems" : "items";
  return keywordOf(schema, rest) === undefined ? undefined : at(schema, rest);
}

function objectHolds(
  value: Readonly<Record<string, unknown>>,
  schema: Located,
  check: Check,
): boolean {
  const get = <T>(keyword: string) => keywordOf<T>(schema, keyword);
  const names = Object.keys(value);
  const required = get<string[]>("required") ?? [];
  return names.length >= (get<number>("minProperties") ?? 0) &&
    names.length <= (get<number>("maxProperties") ?? Infinity) &&
    required.every((name) => Object.hasOwn(value, name)) &&
    names.every((name) =>
      (get("propertyNames") === undefined ||
        check(name, at(schema, "propertyNames"))) &&
      propertySchemas(schema, name).every((one) => check(value[name], one))
    );
}

/**
 * The schemas of one property by itself.
 *
 * @param schema The object's.
 * @param name The property.
 * @returns All that must hold.
 */
export function propertySchemas(schema: Located, name: string): Located[] {
  const properties = keywordOf<object>(schema, "properties") ?? {};
  const patterns = keywordOf<object>(schema, "patternProperties") ?? {};
  const found = [
    ...Object.hasOwn(properties, name) ? [at(schema, "properties", name)] : [],
    ...Object.keys(patterns).filter((source) => patternOf(source).test(name))
      .map((source) => at(schema, "patternProperties", source)),
  ];
  if (found.length > 0) return found;
  if (keywordOf(schema, "additionalProperties") === undefined) return [];
  return [at(schema, "additionalProperties")];
}
