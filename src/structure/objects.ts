import { propertySchemas } from "./check_value.ts";
import type { SchemaConverter } from "./convert.ts";
import { jsonText, quoted } from "./json_text.ts";
import { parsePattern, type Pattern } from "./pattern.ts";
import { patternNode } from "./pattern_text.ts";
import { type Entry, pick } from "./pick.ts";
import { at, keywordOf, type Located } from "./schema.ts";
import { splitByFirst, stringPattern, withKeyword } from "./strings.ts";
import { NEVER, type Node, sequence, text } from "./syntax.ts";

/** Names of properties of which nothing is said. */
const NAME: Pattern = parsePattern("[A-Za-z0-9][A-Za-z0-9_]*");

/**
 * The objects that some schemas allow: their properties in the order in which
 * they are declared. Names that nobody declares begin with a letter or digit
 * each, in that order, so that none comes twice.
 *
 * @param converter Converts the schemas of properties.
 * @param all The schemas.
 * @param chosen A property whose value is chosen already. Defaults to none.
 * @returns Their texts.
 */
export function objectNode(
  converter: SchemaConverter,
  all: readonly Located[],
  chosen?: { name: string; node: Node },
): Node {
  const values = (keyword: string) =>
    withKeyword<number>(all, keyword).map(({ value }) => value);
  const min = Math.max(0, ...values("minProperties"));
  const max = Math.min(Infinity, ...values("maxProperties"));
  if (min > max) return NEVER;
  const required = requiredNames(all);
  const names = new Set([...declaredNames(all), ...required]);
  const nameSchemas = all.filter((one) =>
    keywordOf(one, "propertyNames") !== undefined
  ).map((one) => at(one, "propertyNames"));
  const named = listedNames(converter, nameSchemas);
  for (const name of named ?? []) names.add(name);
  const entries = [...names].map((name): Entry => {
    const isAllowed = nameSchemas.length === 0 ||
      converter.isValid(name, nameSchemas);
    const value = name === chosen?.name
      ? chosen.node
      : converter.node(schemasOf(all, name));
    return {
      node: isAllowed ? sequence(jsonText(name), text(":"), value) : NEVER,
      isRequired: required.has(name),
    };
  });
  const isOpen = named === undefined &&
    (names.size === 0 || min > names.size || isExplicitlyOpen(all));
  if (isOpen) {
    entries.push(...openEntries(converter, { all, names, nameSchemas }));
  }
  return sequence(text("{"), pick(entries, { min, max }), text("}"));
}

/** The names that must be there. */
export function requiredNames(all: readonly Located[]): Set<string> {
  return new Set(
    withKeyword<string[]>(all, "required").flatMap(({ value }) => value),
  );
}

function declaredNames(all: readonly Located[]): string[] {
  return withKeyword<object>(all, "properties")
    .flatMap(({ value }) => Object.keys(value));
}

/** All that is said of the property of a name. */
export function schemasOf(all: readonly Located[], name: string): Located[] {
  const said = all.flatMap((one) => propertySchemas(one, name));
  if (said.length > 0) return said;
  return all.flatMap((one) =>
    keywordOf(one, "unevaluatedProperties") === undefined
      ? []
      : [at(one, "unevaluatedProperties")]
  );
}

/** The names that may be there, where they are listed one by one. */
function listedNames(
  converter: SchemaConverter,
  nameSchemas: readonly Located[],
): string[] | undefined {
  if (nameSchemas.length === 0) return undefined;
  const lists = converter.alternatives.of(nameSchemas)
    .map((one) => converter.values(one));
  if (lists.includes(undefined)) return undefined;
  return lists.flatMap((list) => list!)
    .filter((name) => typeof name === "string");
}

/** Whether somebody says what other properties are like. */
function isExplicitlyOpen(all: readonly Located[]): boolean {
  return ["additionalProperties", "unevaluatedProperties", "patternProperties"]
    .some((keyword) =>
      withKeyword(all, keyword).some(({ value }) => value !== false)
    );
}

/** Properties of names that nobody declares. */
function openEntries(
  converter: SchemaConverter,
  { all, names, nameSchemas }: {
    all: readonly Located[];
    names: ReadonlySet<string>;
    nameSchemas: readonly Located[];
  },
): Entry[] {
  const taken = new Set([...names].map((name) => name.codePointAt(0)));
  return openNames(converter, all, nameSchemas).flatMap((
    { pattern, schemas },
  ) =>
    [...splitByFirst(pattern)].filter(([code]) => !taken.has(code))
      .map(([, name]): Entry => ({
        node: sequence(
          quoted(patternNode(name)),
          text(":"),
          converter.node(schemas),
        ),
        isRequired: false,
      }))
  );
}

/** Which names those are, and what is said of their values. */
function openNames(
  converter: SchemaConverter,
  all: readonly Located[],
  nameSchemas: readonly Located[],
): { pattern: Pattern; schemas: Located[] }[] {
  const patterns = all.flatMap((one) =>
    Object.keys(keywordOf<object>(one, "patternProperties") ?? {})
      .map((source) => ({ one, source }))
  );
  // A name may match any pattern by chance: what all of them say holds.
  const matched = patterns.map(({ one, source }) =>
    at(one, "patternProperties", source)
  );
  const rest = (but?: Located) =>
    all.flatMap((one) => {
      const keyword = keywordOf(one, "additionalProperties") !== undefined
        ? "additionalProperties"
        : "unevaluatedProperties";
      const isSaid = one !== but && keywordOf(one, keyword) !== undefined;
      return isSaid ? [at(one, keyword)] : [];
    });
  const [first] = patterns;
  const pattern = namePattern(converter, nameSchemas, first);
  if (pattern === undefined) return [];
  return [{ pattern, schemas: [...matched, ...rest(first?.one)] }];
}

/** The names that they can have: those of a pattern, where there is one. */
function namePattern(
  converter: SchemaConverter,
  nameSchemas: readonly Located[],
  first: { one: Located; source: string } | undefined,
): Pattern | undefined {
  if (nameSchemas.length === 0 && first === undefined) return NAME;
  const [alternative] = converter.alternatives.of(nameSchemas);
  if (alternative === undefined) return undefined;
  const path = `${first?.one.path}/patternProperties`;
  const named = first && { schema: { pattern: first.source }, path };
  return stringPattern([...alternative.all, ...named ? [named] : []]);
}
