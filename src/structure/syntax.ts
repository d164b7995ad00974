import type { Range } from "./code_points.ts";
import { utf8Ranges } from "./utf8.ts";

/** A language of byte strings, as a tree; the same node may stand in it twice. */
export type Node =
  /** Exactly these bytes. */
  | { readonly kind: "text"; readonly bytes: Uint8Array }
  /** One byte of some ranges. */
  | { readonly kind: "byte"; readonly ranges: readonly Range[] }
  /** One after the other. */
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  /** One of them; of none there is nothing. */
  | { readonly kind: "choice"; readonly parts: readonly Node[] }
  /** From `min` to `max` times. */
  | {
    readonly kind: "repeat";
    readonly part: Node;
    readonly min: number;
    readonly max: number;
  }
  /** Whatever the rule says: it may stand within itself. */
  | Rule;

/** A node that is found out when it is first needed. */
export class Rule {
  readonly kind = "rule";
  readonly #make: () => Node;
  #body: Node | undefined;

  /**
   * Creates a {@linkcode Rule}.
   *
   * @param make Makes what it stands for.
   */
  constructor(make: () => Node) {
    this.#make = make;
  }

  /** What it stands for. */
  get body(): Node {
    return this.#body ??= this.#make();
  }
}

/** The empty text alone. */
export const EMPTY: Node = { kind: "sequence", parts: [] };

/** No text at all, not even the empty one. */
export const NEVER: Node = { kind: "choice", parts: [] };

/** The UTF-8 of a text. */
export function text(value: string): Node {
  if (value === "") return EMPTY;
  return { kind: "text", bytes: new TextEncoder().encode(value) };
}

/** Nodes one after the other; texts are joined. */
export function sequence(...nodes: readonly Node[]): Node {
  if (nodes.includes(NEVER)) return NEVER;
  const parts: Node[] = [];
  for (const node of nodes) {
    for (const part of node.kind === "sequence" ? node.parts : [node]) {
      const last = parts.at(-1);
      if (last?.kind === "text" && part.kind === "text") {
        const bytes = Uint8Array.of(...last.bytes, ...part.bytes);
        parts[parts.length - 1] = { kind: "text", bytes };
      } else {
        parts.push(part);
      }
    }
  }
  return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
}

/** One of some nodes. */
export function choice(nodes: readonly Node[]): Node {
  const parts = nodes.filter((node) => node !== NEVER);
  if (parts.length === 0) return NEVER;
  return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
}

/** A node from `min` to `max` times. */
export function repeat(part: Node, min: number, max: number = Infinity): Node {
  if (max < min) return NEVER;
  if (part === NEVER) return min === 0 ? EMPTY : NEVER;
  if (max === 0 || part === EMPTY) return EMPTY;
  return min === 1 && max === 1 ? part : { kind: "repeat", part, min, max };
}

/** A node, or nothing. */
export function optional(part: Node): Node {
  return repeat(part, 0, 1);
}

/** One character of some ranges, in UTF-8. */
export function character(ranges: readonly Range[]): Node {
  const single = ranges.filter(([low]) => low < 0x80)
    .map(([low, high]): Range => [low, Math.min(high, 0x7f)]);
  const wide = ranges.filter(([, high]) => high >= 0x80)
    .flatMap(([low, high]) => utf8Ranges(Math.max(low, 0x80), high));
  return choice([
    ...single.length > 0 ? [{ kind: "byte", ranges: single } as const] : [],
    ...wide.map((bytes) =>
      sequence(
        ...bytes.map((range) => ({ kind: "byte", ranges: [range] }) as const),
      )
    ),
  ]);
}
