import type { JsonSchema } from "../src/structure/schema.ts";

/** A schema, as this file writes it. */
type Schema = { [keyword: string]: unknown };

const NAMES = [
  "id",
  "name",
  "tags",
  "größe",
  "日本",
  'quo"te',
  "back\\slash",
  "line\nbreak",
  "a b",
  "",
  "$ref",
  "😀",
  "__proto__x",
];

const TEXTS = [
  "",
  "a",
  "ab c",
  'q"',
  "\\",
  "\n",
  "é",
  "漢字",
  "😀",
  "</s>",
  "\u0001",
];

const PATTERNS = [
  "^[a-z]+$",
  "^[A-Z]{2,4}-\\d{3}$",
  "\\w+",
  "^(foo|bar)?baz$",
  "[^a-z]{1,3}",
  "^\\S+@\\S+$",
  '^["\\\\]{2}$',
  "^é+$",
];

const FORMATS = ["date", "time", "date-time", "email", "uuid", "ipv4", "uri"];

/** Makes schemas of all that is followed, the same ones for the same numbers. */
export class SchemaMaker {
  readonly #random: () => number;
  /** Names of what `$defs` has. */
  readonly #defs: string[] = [];

  /**
   * Creates a {@linkcode SchemaMaker}.
   *
   * @param random Gives numbers from 0 to 1.
   */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Makes a schema. */
  make(): JsonSchema {
    this.#defs.length = 0;
    if (this.#chance(0.03)) return this.#chance(0.8) ? true : {};
    const isRecursive = this.#chance(0.2);
    if (isRecursive) this.#defs.push("tree", "other");
    const schema = this.#schema(3);
    if (typeof schema !== "object") return schema;
    if (!isRecursive) return schema;
    return {
      ...schema,
      $defs: {
        tree: {
          type: "object",
          properties: {
            value: this.#scalar(),
            children: { type: "array", items: { $ref: "#/$defs/tree" } },
          },
          required: ["value"],
          additionalProperties: false,
        },
        other: { type: ["array", "null"], items: { $ref: "#/$defs/other" } },
      },
    };
  }

  #schema(depth: number): JsonSchema {
    if (depth <= 0) return this.#scalar();
    const kind = this.#below(12);
    if (kind < 3) return this.#object(depth);
    if (kind < 5) return this.#array(depth);
    if (kind === 5) return this.#combination(depth);
    if (kind === 6 && this.#defs.length > 0) {
      return { $ref: `#/$defs/${this.#one(this.#defs)}` };
    }
    if (kind === 7) return this.#chance(0.5) ? {} : true;
    return this.#scalar();
  }

  #scalar(): Schema {
    switch (this.#below(9)) {
      case 0:
        return { type: "boolean" };
      case 1:
        return { type: "null" };
      case 2:
        return { enum: this.#some(this.#values(), 1, 4) };
      case 3:
        return { const: this.#one(this.#values()) };
      case 4:
        return this.#number("integer");
      case 5:
        return this.#number("number");
      case 6:
        return {
          type: this.#some(["string", "null", "integer", "boolean"], 1, 3),
        };
      default:
        return this.#string();
    }
  }

  #values(): unknown[] {
    return [
      ...TEXTS,
      0,
      -1.5,
      1e21,
      1e-7,
      true,
      null,
      [],
      [1, "a"],
      {},
      { 'k"': [null] },
    ];
  }

  #number(type: string): Schema {
    const schema: Schema = { type };
    const low = this.#below(400) - 200 + (this.#chance(0.3) ? 0.25 : 0);
    const width = this.#below(1000) + 3;
    if (this.#chance(0.4)) {
      schema[this.#chance(0.5) ? "minimum" : "exclusiveMinimum"] = low;
    }
    if (this.#chance(0.4)) {
      schema[this.#chance(0.5) ? "maximum" : "exclusiveMaximum"] = low + width;
    }
    if (this.#chance(0.25)) {
      schema.multipleOf = this.#one(
        type === "integer" ? [1, 2, 3, 7, 10] : [0.5, 0.1, 0.01, 1, 3],
      );
    }
    return schema;
  }

  #string(): Schema {
    const schema: Schema = { type: "string" };
    const kind = this.#below(5);
    if (kind === 0) schema.pattern = this.#one(PATTERNS);
    if (kind === 1) schema.format = this.#one(FORMATS);
    if (kind > 1 && this.#chance(0.5)) schema.minLength = this.#below(8);
    if (kind > 1 && this.#chance(0.5)) schema.maxLength = 8 + this.#below(20);
    return schema;
  }

  #object(depth: number): Schema {
    const names = this.#some(NAMES, 0, 5);
    const properties = Object.fromEntries(
      names.map((name) => [name, this.#schema(depth - 1)]),
    );
    const schema: Schema = { type: "object", properties };
    if (this.#chance(0.7)) schema.required = this.#some(names, 0, names.length);
    if (this.#chance(0.5)) {
      schema.additionalProperties = this.#chance(0.5)
        ? false
        : this.#schema(depth - 1);
    }
    if (this.#chance(0.1)) schema.minProperties = this.#below(names.length + 1);
    if (this.#chance(0.1)) schema.maxProperties = names.length + this.#below(3);
    if (this.#chance(0.05)) {
      schema.patternProperties = { "^x_[a-z]{1,8}$": this.#schema(depth - 1) };
    }
    if (this.#chance(0.05)) schema.propertyNames = { maxLength: 12 };
    return schema;
  }

  #array(depth: number): Schema {
    const schema: Schema = { type: "array" };
    if (this.#chance(0.25)) {
      schema.prefixItems = Array.from(
        { length: 1 + this.#below(3) },
        () => this.#schema(depth - 1),
      );
      if (this.#chance(0.5)) schema.items = this.#chance(0.5) ? false : {};
      return schema;
    }
    if (this.#chance(0.3)) {
      schema.uniqueItems = true;
      schema.items = this.#one([
        { type: "string" },
        { type: "integer", minimum: 0, maximum: 50 },
        { enum: this.#some(this.#values(), 1, 6) },
        { type: "number" },
        { type: "boolean" },
      ]);
    } else {
      schema.items = this.#schema(depth - 1);
      if (this.#chance(0.3)) schema.minItems = this.#below(3);
    }
    if (this.#chance(0.3)) schema.maxItems = 2 + this.#below(4);
    return schema;
  }

  #combination(depth: number): Schema {
    const kind = this.#below(5);
    if (kind === 3) {
      return {
        type: this.#some(["string", "null", "integer", "array"], 2, 4),
        not: { type: this.#one(["boolean", "null"]) },
      };
    }
    if (kind === 4) {
      const one = { kind: { const: "a" } };
      return {
        type: "object",
        properties: { kind: { enum: ["a", "b"] }, z: this.#schema(depth - 1) },
        required: ["kind"],
        if: { properties: one, required: ["kind"] },
        then: { properties: { x: this.#schema(depth - 1) }, required: ["x"] },
        else: { properties: { y: this.#schema(depth - 1) } },
      };
    }
    if (kind === 0) {
      return {
        anyOf: Array.from(
          { length: 2 + this.#below(2) },
          () => this.#schema(depth - 1),
        ),
      };
    }
    if (kind === 1) {
      return {
        oneOf: [
          {
            type: "object",
            properties: { kind: { const: "a" }, x: this.#schema(depth - 1) },
            required: ["kind"],
          },
          {
            type: "object",
            properties: { kind: { const: "b" }, y: this.#schema(depth - 1) },
            required: ["kind", "y"],
          },
          this.#one([{ type: "string" }, { type: "integer", maximum: 5 }]),
        ],
      };
    }
    return {
      allOf: [
        this.#object(depth - 1),
        { type: "object", properties: { extra: this.#scalar() } },
      ].map((part, i) => {
        const { additionalProperties: _, maxProperties: __, ...rest } =
          part as Schema;
        return i === 0 ? rest : part;
      }),
    };
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #some<T>(list: readonly T[], least: number, most: number): T[] {
    const rest = [...list];
    const count = Math.min(least + this.#below(most - least + 1), rest.length);
    return Array.from(
      { length: count },
      () => rest.splice(this.#below(rest.length), 1)[0]!,
    );
  }
}
