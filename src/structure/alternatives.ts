import {
  at,
  checkSchema,
  isRecord,
  type JsonSchema,
  keywordError,
  keywordOf,
  type Located,
  schemaError,
} from "./schema.ts";

/** One way to be valid. */
export interface Alternative {
  /** Schemas that all must hold, for their own keywords alone. */
  readonly all: readonly Located[];
  /** Schemas that must not hold. */
  readonly none: readonly Located[];
}

const ANYTHING: Alternative = { all: [], none: [] };

/** More than a schema that somebody means. */
const MOST_ALTERNATIVES = 4096;

/** Takes schemas apart: refers, and combines. */
export class Alternatives {
  readonly #root: JsonSchema;
  readonly #names = new Map<string, Located>();
  /** Schemas whose keywords are what they are to be. */
  readonly #checked = new Set<JsonSchema>();

  /**
   * Creates {@linkcode Alternatives}.
   *
   * @param root The schema that references start from.
   */
  constructor(root: JsonSchema) {
    this.#root = root;
    this.#collectNames({ schema: root, path: "#" }, new Set());
  }

  /**
   * Lists the ways in which some schemas hold together.
   *
   * @param schemas The schemas.
   * @returns The ways: a value is valid that is so in one of them.
   * @throws {TypeError} If a schema is none, or refers to itself.
   */
  of(schemas: readonly Located[]): Alternative[] {
    return this.#all(schemas, []);
  }

  #all(
    schemas: readonly Located[],
    active: readonly JsonSchema[],
  ): Alternative[] {
    return schemas.map((one) => this.#expand(one, active))
      .reduce(multiply, [ANYTHING]);
  }

  #expand(located: Located, active: readonly JsonSchema[]): Alternative[] {
    const { schema, path } = located;
    if (!this.#checked.has(schema)) checkSchema(located);
    this.#checked.add(schema);
    if (schema === true) return [ANYTHING];
    if (schema === false) return [];
    if (active.includes(schema)) {
      throw schemaError(path, "is made of itself, which has no end");
    }
    const inner = [...active, schema];
    const factors: Alternative[][] = [[{ all: [located], none: [] }]];
    const parts = (keyword: string) =>
      keywordOf<readonly unknown[]>(located, keyword)
        ?.map((_, i) => at(located, keyword, i));
    const { $ref } = schema;
    if ($ref !== undefined) {
      const target = this.#resolve($ref as string, path);
      factors.push(this.#expand(target, inner));
    }
    factors.push(this.#all(parts("allOf") ?? [], inner));
    const anyOf = parts("anyOf");
    if (anyOf !== undefined) {
      factors.push(anyOf.flatMap((one) => this.#expand(one, inner)));
    }
    const oneOf = parts("oneOf");
    if (oneOf !== undefined) {
      factors.push(oneOf.flatMap((one, i) => {
        const none = oneOf.filter((_, j) => j !== i);
        return multiply(this.#expand(one, inner), [{ all: [], none }]);
      }));
    }
    if (schema.not !== undefined) {
      factors.push([{ all: [], none: [at(located, "not")] }]);
    }
    if (schema.if !== undefined) factors.push(this.#condition(located, inner));
    return factors.reduce(multiply);
  }

  /** `if`, `then` and `else`: two ways. */
  #condition(located: Located, inner: readonly JsonSchema[]): Alternative[] {
    const condition = at(located, "if");
    const branch = (keyword: string) =>
      keywordOf(located, keyword) === undefined
        ? [ANYTHING]
        : this.#expand(at(located, keyword), inner);
    return [
      ...multiply(this.#expand(condition, inner), branch("then")),
      ...multiply([{ all: [], none: [condition] }], branch("else")),
    ];
  }

  #resolve(ref: string, path: string): Located {
    const named = this.#names.get(ref);
    if (named !== undefined) return named;
    if (ref !== "#" && !ref.startsWith("#/")) {
      throw keywordError(path, "$ref", `is "${ref}", "#/…" is wanted`);
    }
    const pointer = decodedPart(ref);
    if (pointer === undefined) {
      throw keywordError(path, "$ref", `is "${ref}", whose "%" is no escape`);
    }
    const steps = pointer.slice(2).split("/")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    let found: unknown = this.#root;
    for (const step of ref === "#" ? [] : steps) {
      const isThere = (isRecord(found) || Array.isArray(found)) &&
        Object.hasOwn(found, step);
      found = isThere ? (found as Record<string, unknown>)[step] : undefined;
    }
    if (found === undefined) {
      throw keywordError(path, "$ref", `is "${ref}", where nothing stands`);
    }
    return { schema: found as JsonSchema, path: ref };
  }

  /** Finds the schemas that have names of their own. */
  #collectNames({ schema, path }: Located, seen: Set<unknown>): void {
    if (typeof schema !== "object" || schema === null || seen.has(schema)) {
      return;
    }
    seen.add(schema);
    const { $id, $anchor } = schema;
    if (typeof $id === "string" && $id !== "#") {
      this.#names.set($id, { schema, path });
    }
    if (typeof $anchor === "string") {
      this.#names.set(`#${$anchor}`, { schema, path });
    }
    for (const [key, value] of Object.entries(schema)) {
      if (key === "enum" || key === "const") continue;
      const part = { schema: value as JsonSchema, path: `${path}/${key}` };
      this.#collectNames(part, seen);
    }
  }
}

/** A part of a URI without its escapes, `undefined` where one is none. */
function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** All of one and all of the other. */
function multiply(
  some: readonly Alternative[],
  others: readonly Alternative[],
): Alternative[] {
  if (some.length * others.length > MOST_ALTERNATIVES) {
    throw schemaError(
      "#",
      `has more than ${MOST_ALTERNATIVES} combinations of its anyOf and oneOf, fewer are wanted`,
    );
  }
  return some.flatMap((one) =>
    others.map((other) => ({
      all: unite(one.all, other.all),
      none: unite(one.none, other.none),
    }))
  );
}

function unite(
  some: readonly Located[],
  others: readonly Located[],
): Located[] {
  const schemas = new Set(some.map(({ schema }) => schema));
  return [...some, ...others.filter(({ schema }) => !schemas.has(schema))];
}
