import { type Alternative, Alternatives } from "./alternatives.ts";
import { arrayNode } from "./arrays.ts";
import { isValid, typeOfValue } from "./check_value.ts";
import { Disjointness, valuesOf, writtenTypes } from "./disjoint.ts";
import { FORMATS, NUMBER_FORMATS } from "./formats.ts";
import { jsonText, quoted } from "./json_text.ts";
import { type NumberLimits, numberNode } from "./numbers.ts";
import { objectNode } from "./objects.ts";
import { patternNode } from "./pattern_text.ts";
import {
  type JsonSchema,
  type JsonType,
  keywordError,
  type Located,
} from "./schema.ts";
import { stringPattern, withKeyword } from "./strings.ts";
import { choice, NEVER, type Node, Rule, text } from "./syntax.ts";

/** The keywords of strings and numbers. */
const SCALAR_KEYWORDS = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "format",
];

/**
 * Turns a schema into a language of compact JSON texts. Every text of it is
 * valid; as a rule not every valid one is in it: properties come in the order in
 * which they are declared, undeclared ones are left out where there are declared
 * ones, and so on.
 */
export class SchemaConverter {
  /** Takes schemas apart. */
  readonly alternatives: Alternatives;
  readonly #disjointness: Disjointness;
  readonly #rules = new Map<string, Rule>();
  /** Texts of strings and numbers, by what is said of them. */
  readonly #scalars = new Map<string, Node>();
  readonly #ids = new Map<JsonSchema, number>();

  /**
   * Creates a {@linkcode SchemaConverter}.
   *
   * @param root The schema that references start from.
   */
  constructor(root: JsonSchema) {
    this.alternatives = new Alternatives(root);
    this.#disjointness = new Disjointness(this.alternatives);
  }

  /**
   * The texts that are valid in all of some schemas.
   *
   * @param schemas The schemas; of none, anything is valid.
   * @returns The texts, found out when they are needed.
   */
  node(schemas: readonly Located[]): Node {
    const ids = schemas.map(({ schema }) => this.#idOf(schema));
    const key = [...new Set(ids)].sort((a, b) => a - b).join();
    let rule = this.#rules.get(key);
    if (rule === undefined) {
      rule = new Rule(() =>
        choice(
          this.alternatives.of(schemas).map((one) => this.#alternative(one)),
        )
      );
      this.#rules.set(key, rule);
    }
    return rule;
  }

  /** The listed values that a way to be valid allows, if it lists any. */
  values(alternative: Alternative): unknown[] | undefined {
    const { all, none } = alternative;
    return valuesOf(alternative)?.filter((value) =>
      all.every((one) => isValid(value, one, this.alternatives)) &&
      none.every((one) => !isValid(value, one, this.alternatives))
    );
  }

  /** The types that are written of a way to be valid. */
  types(alternative: Alternative): JsonType[] {
    return writtenTypes(alternative).filter((type) =>
      alternative.none.every((other) =>
        this.#disjointness.isOutside({ alternative, type }, other)
      )
    );
  }

  /** Whether a value is valid in all of some schemas. */
  isValid(value: unknown, schemas: readonly Located[]): boolean {
    return schemas.every((one) => isValid(value, one, this.alternatives));
  }

  #alternative(alternative: Alternative): Node {
    const values = this.values(alternative);
    if (values !== undefined) return choice(values.map(jsonText));
    return choice(
      this.types(alternative).map((type) => this.typed(alternative.all, type)),
    );
  }

  /** The texts of one type that some schemas allow by their own keywords. */
  typed(all: readonly Located[], type: JsonType): Node {
    switch (type) {
      case "null":
        return text("null");
      case "boolean":
        return choice([text("true"), text("false")]);
      case "integer":
      case "number":
      case "string":
        return this.#scalar(all, type);
      case "array":
        return arrayNode(this, all);
      case "object":
        return objectNode(this, all);
    }
  }

  /** The same text of the same keywords: large schemas repeat themselves. */
  #scalar(
    all: readonly Located[],
    type: "integer" | "number" | "string",
  ): Node {
    const said = SCALAR_KEYWORDS.flatMap((keyword) =>
      withKeyword(all, keyword).map(({ value }) => [keyword, value])
    );
    const key = JSON.stringify([type, said]);
    let node = this.#scalars.get(key);
    if (node === undefined) {
      const pattern = type === "string" ? stringPattern(all) : undefined;
      node = type !== "string"
        ? this.#number(all, type)
        : pattern === undefined
        ? NEVER
        : quoted(patternNode(pattern));
      this.#scalars.set(key, node);
    }
    return node;
  }

  #number(all: readonly Located[], type: JsonType): Node {
    try {
      return numberNode(numberLimits(all, type === "integer"));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      const keyword = ["minimum", "exclusiveMinimum", "maximum", "multipleOf"]
        .find((keyword) => withKeyword(all, keyword).length > 0) ?? "type";
      const [said] = withKeyword(all, keyword);
      const path = said?.schema.path ?? all[0]?.path ?? "#";
      throw keywordError(path, keyword, `cannot be kept to: ${error.message}`);
    }
  }

  #idOf(schema: JsonSchema): number {
    let id = this.#ids.get(schema);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(schema, id);
    }
    return id;
  }
}

/** What some schemas say of a number together. */
export function numberLimits(
  all: readonly Located[],
  isInteger: boolean,
): NumberLimits {
  const values = (keyword: string) =>
    withKeyword<number>(all, keyword).map(({ value }) => value);
  // Those of strings say nothing of numbers.
  const formats = withKeyword<string>(all, "format")
    .filter(({ value }) => !Object.hasOwn(FORMATS, value))
    .map(({ value, schema }) => {
      if (Object.hasOwn(NUMBER_FORMATS, value)) return NUMBER_FORMATS[value];
      throw keywordError(
        schema.path,
        "format",
        `is "${value}", one of ${
          Object.keys(NUMBER_FORMATS).join(", ")
        } is wanted`,
      );
    });
  const most = (list: readonly number[]) =>
    list.length > 0 ? Math.max(...list) : undefined;
  const least = (list: readonly number[]) =>
    list.length > 0 ? Math.min(...list) : undefined;
  return {
    isInteger,
    minimum: most([
      ...values("minimum"),
      ...formats.flatMap((range) => range?.[0] ?? []),
    ]),
    maximum: least([
      ...values("maximum"),
      ...formats.flatMap((range) => range?.[1] ?? []),
    ]),
    exclusiveMinimum: most(values("exclusiveMinimum")),
    exclusiveMaximum: least(values("exclusiveMaximum")),
    multiplesOf: values("multipleOf"),
  };
}

/** The type of a listed value, `"number"` for all numbers. */
export function plainTypeOf(value: unknown): JsonType {
  const type = typeOfValue(value);
  return type === "integer" ? "number" : type;
}
