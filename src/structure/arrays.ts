import { itemSchema } from "./check_value.ts";
import type { SchemaConverter } from "./convert.ts";
import { distinctParts } from "./distinct.ts";
import { pick } from "./pick.ts";
import { at, keywordError, keywordOf, type Located } from "./schema.ts";
import { withKeyword } from "./strings.ts";
import {
  choice,
  EMPTY,
  NEVER,
  type Node,
  repeat,
  sequence,
  text,
} from "./syntax.ts";

/**
 * The arrays that some schemas allow.
 *
 * Distinct items are made so by the order in which they come: each belongs to
 * a part of what is allowed that lies behind those of the items before it, such
 * as that of texts which begin with a later letter.
 *
 * @param converter Converts the schemas of items.
 * @param all The schemas.
 * @returns Their texts.
 * @throws {TypeError} If items are to be distinct in a way that is not followed.
 */
export function arrayNode(
  converter: SchemaConverter,
  all: readonly Located[],
): Node {
  const values = (keyword: string) =>
    withKeyword<number>(all, keyword).map(({ value }) => value);
  const min = Math.max(0, ...values("minItems"));
  const max = Math.min(Infinity, ...values("maxItems"));
  if (min > max) return NEVER;
  const prefix = Math.max(0, ...all.map(prefixLength));
  const unique = withKeyword<boolean>(all, "uniqueItems")
    .find(({ value }) => value);
  const isOne = max <= 1;
  if (unique !== undefined && !isOne) {
    if (prefix > 0) {
      throw keywordError(
        unique.schema.path,
        "uniqueItems",
        "is not supported beside prefixItems",
      );
    }
    const entries = distinctParts(converter, itemsAt(all, 0))
      .map((node) => ({ node, isRequired: false }));
    if (entries.length < min) {
      throw keywordError(
        unique.schema.path,
        "uniqueItems",
        `stands beside minItems ${min}, where ${entries.length} distinct items are known`,
      );
    }
    return bracketed(pick(entries, { min, max }));
  }
  const item = (i: number) => converter.node(itemsAt(all, i));
  // Behind the prefix, items are added where something is said of them.
  const isOpen = prefix === 0 || min > prefix ||
    all.some((one) => hasRest(one));
  const most = isOpen ? max : Math.min(max, prefix);
  let rest: Node = EMPTY;
  if (most > prefix) {
    const more = sequence(text(","), item(prefix));
    rest = repeat(
      more,
      Math.max(0, min - Math.max(1, prefix)),
      most - Math.max(1, prefix),
    );
    if (prefix === 0) {
      const some = sequence(item(0), rest);
      return bracketed(min > 0 ? some : choice([some, EMPTY]));
    }
  }
  for (let i = Math.min(prefix, most) - 1; i >= 0; i--) {
    const some = sequence(i > 0 ? text(",") : EMPTY, item(i), rest);
    rest = i >= min ? choice([some, EMPTY]) : some;
  }
  return bracketed(rest);
}

function bracketed(content: Node): Node {
  return sequence(text("["), content, text("]"));
}

/** What is said of the item at a place. */
function itemsAt(all: readonly Located[], i: number): Located[] {
  const said = all.flatMap((one) => itemSchema(one, i) ?? []);
  if (said.length > 0) return said;
  return all.flatMap((one) =>
    keywordOf(one, "unevaluatedItems") === undefined
      ? []
      : [at(one, "unevaluatedItems")]
  );
}

function prefixLength(schema: Located): number {
  const items = keywordOf(schema, "items");
  const keyword = Array.isArray(items) ? "items" : "prefixItems";
  return keywordOf<unknown[]>(schema, keyword)?.length ?? 0;
}

/** Whether a schema says something of the items behind its prefix. */
function hasRest(schema: Located): boolean {
  const isTuple = Array.isArray(keywordOf(schema, "items"));
  return keywordOf(schema, isTuple ? "additionalItems" : "items") !== undefined;
}
