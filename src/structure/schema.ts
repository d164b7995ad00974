import { FORMATS, NUMBER_FORMATS } from "./formats.ts";

/** A JSON Schema (draft 2020-12 or 7). */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** A schema, and where it stands. */
export interface Located {
  /** The schema. */
  readonly schema: JsonSchema;
  /** Where it stands, as a JSON pointer. */
  readonly path: string;
}

/** The types of JSON values. */
export type JsonType =
  | "null"
  | "boolean"
  | "integer"
  | "number"
  | "string"
  | "array"
  | "object";

/** A keyword that says nothing of which values are valid. */
const NOTES: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
  "~standard",
]);

type Kind =
  | "schema"
  | "schemas"
  | "schemaMap"
  | "count"
  | "number"
  | "positive"
  | "string"
  | "strings"
  | "boolean"
  | "array"
  | "any"
  | "items"
  | "types";

/** The keywords that are followed, what their values are, and whose they are. */
const KEYWORDS: Readonly<Record<string, readonly [Kind, JsonType?]>> = {
  $ref: ["string"],
  allOf: ["schemas"],
  anyOf: ["schemas"],
  oneOf: ["schemas"],
  not: ["schema"],
  if: ["schema"],
  then: ["schema"],
  else: ["schema"],
  type: ["types"],
  enum: ["array"],
  const: ["any"],
  minimum: ["number", "number"],
  maximum: ["number", "number"],
  exclusiveMinimum: ["number", "number"],
  exclusiveMaximum: ["number", "number"],
  multipleOf: ["positive", "number"],
  minLength: ["count", "string"],
  maxLength: ["count", "string"],
  pattern: ["string", "string"],
  format: ["string"],
  items: ["items", "array"],
  prefixItems: ["schemas", "array"],
  additionalItems: ["schema", "array"],
  unevaluatedItems: ["schema", "array"],
  minItems: ["count", "array"],
  maxItems: ["count", "array"],
  uniqueItems: ["boolean", "array"],
  properties: ["schemaMap", "object"],
  patternProperties: ["schemaMap", "object"],
  additionalProperties: ["schema", "object"],
  unevaluatedProperties: ["schema", "object"],
  propertyNames: ["schema", "object"],
  required: ["strings", "object"],
  minProperties: ["count", "object"],
  maxProperties: ["count", "object"],
};

const TYPES: readonly unknown[] = [
  "null",
  "boolean",
  "integer",
  "number",
  "string",
  "array",
  "object",
];

const CHECKS: Readonly<Record<Kind, [(value: unknown) => boolean, string]>> = {
  schema: [isSchema, "a schema"],
  schemas: [
    (value) => Array.isArray(value) && value.every(isSchema),
    "an array of schemas",
  ],
  schemaMap: [
    (value) => isRecord(value) && Object.values(value).every(isSchema),
    "an object of schemas",
  ],
  items: [
    (value) =>
      isSchema(value) || (Array.isArray(value) && value.every(isSchema)),
    "a schema",
  ],
  count: [
    (value) => Number.isInteger(value) && (value as number) >= 0,
    "an integer from 0 on",
  ],
  number: [Number.isFinite, "a number"],
  positive: [
    (value) => Number.isFinite(value) && (value as number) > 0,
    "a number above 0",
  ],
  string: [(value) => typeof value === "string", "a string"],
  strings: [
    (value) =>
      Array.isArray(value) && value.every((one) => typeof one === "string"),
    "an array of strings",
  ],
  boolean: [(value) => typeof value === "boolean", "true or false"],
  array: [
    (value) => Array.isArray(value) && isJson(value),
    "an array of JSON values",
  ],
  any: [isJson, "a JSON value"],
  types: [
    (value) => [value].flat().every((one) => TYPES.includes(one)),
    "a type, or an array of types",
  ],
};

/**
 * Checks a schema by itself: that all of its keywords are followed, and their
 * values such as they ought to be.
 *
 * @param located The schema.
 * @throws {TypeError} If it has a keyword that is not followed.
 */
export function checkSchema({ schema, path }: Located): void {
  if (!isSchema(schema)) {
    throw schemaError(path, `is ${show(schema)}, an object is wanted`);
  }
  if (typeof schema === "boolean") return;
  for (const [keyword, value] of Object.entries(schema)) {
    if (value === undefined) continue;
    if (NOTES.has(keyword) || keyword.startsWith("x-")) continue;
    const [kind] = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword]! : [];
    if (kind === undefined) {
      throw keywordError(path, keyword, "is not supported");
    }
    const [isGood, wanted] = CHECKS[kind];
    if (isGood(value)) continue;
    throw keywordError(
      path,
      keyword,
      `is ${show(value)}, ${wanted} is wanted`,
    );
  }
}

/** The types whose keywords a schema has. */
export function typesMeant(schema: JsonSchema): JsonType[] {
  if (typeof schema === "boolean") return [];
  const meant = Object.keys(schema).flatMap((keyword) =>
    schema[keyword] === undefined || !Object.hasOwn(KEYWORDS, keyword)
      ? []
      : KEYWORDS[keyword]![1] ?? []
  );
  if (typeof schema.format === "string") {
    if (Object.hasOwn(FORMATS, schema.format)) meant.push("string");
    if (Object.hasOwn(NUMBER_FORMATS, schema.format)) meant.push("number");
  }
  return [...new Set(meant)];
}

/** Whether something is a schema by its looks. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || isRecord(value);
}

/** Whether JSON can write something as it is. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  if (isRecord(value)) return Object.values(value).every(isJson);
  return value === null || ["string", "boolean"].includes(typeof value);
}

/** Whether something is an object and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A part of a schema. */
export function at(
  { schema, path }: Located,
  ...keys: readonly (string | number)[]
): Located {
  const found = keys.reduce<unknown>(
    (value, key) => (value as Record<string, unknown>)[key],
    schema,
  );
  const steps = keys.map((key) =>
    `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`
  );
  return { schema: found as JsonSchema, path: path + steps.join("") };
}

/** The value of a keyword; of what is no object there is none. */
export function keywordOf<T>(
  { schema }: Located,
  keyword: string,
): T | undefined {
  return typeof schema === "boolean" ? undefined : schema[keyword] as T;
}

/** An error of a schema as a whole. */
export function schemaError(path: string, problem: string): TypeError {
  return new TypeError(`Cannot follow the schema: ${path} ${problem}`);
}

/** An error of a keyword. */
export function keywordError(
  path: string,
  keyword: string,
  problem: string,
): TypeError {
  return schemaError(path, `has "${keyword}", which ${problem}`);
}

function show(value: unknown): string {
  const isWritten = value !== undefined && typeof value !== "bigint";
  const text = isWritten && JSON.stringify(value) || String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
