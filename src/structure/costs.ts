import type { Node } from "./syntax.ts";
import type { TokenTrie } from "./token_trie.ts";

/**
 * How many tokens the shortest text of a node takes at most, found without
 * tokens that reach over a node's border. Infinity is a node that no text of this
 * vocabulary ends.
 */
export class Costs {
  readonly #trie: TokenTrie;
  /** Whether a byte has a token of its own, `[256]`. */
  readonly #isToken: boolean[];
  readonly #texts = new Map<Node, Float64Array>();
  readonly #nodes = new Map<Node, number>();

  /**
   * Finds out what a language costs.
   *
   * @param root The language.
   * @param trie The vocabulary.
   */
  constructor(root: Node, trie: TokenTrie) {
    this.#trie = trie;
    this.#isToken = Array.from(
      { length: 256 },
      (_, byte) => this.#find(byte, 0, trie.bytes.length, true) !== undefined,
    );
    const nodes = postOrder(root);
    for (const node of nodes) this.#nodes.set(node, Infinity);
    // Rules may stand within themselves: until nothing changes any more.
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const node of nodes) {
        const cost = this.#measure(node);
        if (cost === this.#nodes.get(node)) continue;
        this.#nodes.set(node, cost);
        isDone = false;
      }
    }
  }

  /** The cost of a node. */
  of(node: Node): number {
    return this.#nodes.get(node)!;
  }

  /**
   * The cost of what is left of a node.
   *
   * @param node The node.
   * @param at What of it is there: bytes of a text, parts of a sequence, times
   * of a repetition.
   */
  from(node: Node, at: number): number {
    switch (node.kind) {
      case "text":
        return this.#textCosts(node)[at]!;
      case "sequence":
        return sum(node.parts.slice(at).map((part) => this.of(part)));
      case "repeat":
        return times(Math.max(0, node.min - at), this.of(node.part));
      default:
        return this.of(node);
    }
  }

  #measure(node: Node): number {
    switch (node.kind) {
      case "byte":
        return node.ranges.some(([low, high]) =>
            this.#isToken.slice(low, high + 1).includes(true)
          )
          ? 1
          : Infinity;
      case "choice":
        return Math.min(...node.parts.map((part) => this.of(part)));
      case "rule":
        return this.of(node.body);
      default:
        return this.from(node, 0);
    }
  }

  /** Tokens that a text takes from each of its bytes on. */
  #textCosts(node: Node & { kind: "text" }): Float64Array {
    const known = this.#texts.get(node);
    if (known !== undefined) return known;
    const { bytes } = node;
    const costs = new Float64Array(bytes.length + 1).fill(Infinity);
    costs[bytes.length] = 0;
    for (let i = bytes.length - 1; i >= 0; i--) {
      let [first, end] = [0, this.#trie.bytes.length];
      for (let j = i; j < bytes.length; j++) {
        const found = this.#find(bytes[j]!, first, end);
        if (found === undefined) break;
        if (this.#hasToken(found)) {
          costs[i] = Math.min(costs[i]!, 1 + costs[j + 1]!);
        }
        [first, end] = [found + 1, this.#trie.ends[found]!];
      }
    }
    this.#texts.set(node, costs);
    return costs;
  }

  /** The node of a byte among siblings. */
  #find(
    byte: number,
    first: number,
    end: number,
    isToken = false,
  ): number | undefined {
    const { bytes, ends } = this.#trie;
    for (let i = first; i < end; i = ends[i]!) {
      if (bytes[i] !== byte) continue;
      return isToken && !this.#hasToken(i) ? undefined : i;
    }
    return undefined;
  }

  #hasToken(node: number): boolean {
    const { firsts } = this.#trie;
    return firsts[node + 1]! > firsts[node]!;
  }
}

/** All nodes of a language, each behind those that it is made of. */
function postOrder(root: Node): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  const stack: { node: Node; isOpen: boolean }[] = [{
    node: root,
    isOpen: false,
  }];
  while (stack.length > 0) {
    const { node, isOpen } = stack.pop()!;
    if (isOpen) {
      order.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, isOpen: true });
    for (const part of partsOf(node)) stack.push({ node: part, isOpen: false });
  }
  return order;
}

function partsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "sequence":
    case "choice":
      return node.parts;
    case "repeat":
      return [node.part];
    case "rule":
      return [node.body];
    default:
      return [];
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function times(count: number, value: number): number {
  return count === 0 ? 0 : count * value;
}
