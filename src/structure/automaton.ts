import type { Range } from "./code_points.ts";
import { Costs } from "./costs.ts";
import type { Node } from "./syntax.ts";
import type { TokenTrie } from "./token_trie.ts";

/** A node that is under way, and what follows it. */
interface Cell {
  readonly id: number;
  /** `undefined` is the end of the text. */
  readonly node: Node | undefined;
  /** What of the node is there: bytes, parts or times. */
  readonly at: number;
  readonly next: Cell | undefined;
  /** Tokens that lead to the end. */
  readonly cost: number;
  /** The same where no single token can tell cells apart. */
  readonly shape: number;
  /** The cells that this one follows, by their node and place. */
  readonly before: Map<number, Cell>;
}

/** Where a text is: all ways in which it can be read so far. */
export interface State {
  /** Tokens that lead to the end, not counting one that says so. */
  readonly cost: number;
  /** Whether the text may end here. */
  readonly canEnd: boolean;
  /** Nodes of single bytes that may come next. */
  readonly cells: readonly Cell[];
  /** The states behind each byte, as far as they were needed. */
  readonly next: (State | null | undefined)[];
  /** The tokens that may come next, however many are left. */
  tokens: TokenSet | undefined;
}

/** A set of tokens. */
export interface TokenSet {
  /** A bit for each, `[ceil(size / 32)]`. */
  readonly bits: Uint32Array<ArrayBuffer>;
  /** How many there are. */
  readonly count: number;
  /** The last of them. */
  readonly last: number;
  /** The highest cost of a state behind one of them. */
  readonly highest: number;
}

type Text = Node & { kind: "text" };
type Byte = Node & { kind: "byte" };

/** More than any place within a node. */
const PLACES = 2 ** 24;

/**
 * Reads the texts of a language byte by byte, and knows how many tokens it takes
 * to end each.
 */
export class Automaton {
  /** The empty text; `null` where the language has no text. */
  readonly start: State | null;
  readonly #trie: TokenTrie;
  readonly #costs: Costs;
  readonly #numbers = new Map<Node, number>();
  readonly #states = new Map<string, State>();
  readonly #shapes = new Map<string, number>();
  /** The tokens that may come next, by the shapes of states. */
  readonly #sets = new Map<string, TokenSet>();
  readonly #end: Cell = {
    id: 0,
    node: undefined,
    at: 0,
    next: undefined,
    cost: 0,
    shape: 0,
    before: new Map(),
  };
  #cells = 1;
  /** The states on the way to a node of the tree. */
  readonly #way: (State | null)[];

  /**
   * Creates an {@linkcode Automaton}.
   *
   * @param root The language; no rule begins with itself.
   * @param trie The vocabulary.
   */
  constructor(root: Node, trie: TokenTrie) {
    this.#trie = trie;
    this.#costs = new Costs(root, trie);
    this.#way = new Array(trie.longest + 1).fill(null);
    const found = new Set<Cell>();
    this.#enter(root, this.#end, found);
    this.start = this.#stateOf(found);
  }

  /** How many states are known. */
  get size(): number {
    return this.#states.size;
  }

  /**
   * Reads a byte.
   *
   * @param state Where the text is.
   * @param byte What comes.
   * @returns Where it is then, `null` where no text goes on like that.
   */
  step(state: State, byte: number): State | null {
    const known = state.next[byte];
    if (known !== undefined) return known;
    const found = new Set<Cell>();
    // Bytes around it that all cells take as they take this one.
    let [low, high] = [0, 255];
    for (const { node, at, next } of state.cells) {
      const ranges = node?.kind === "byte"
        ? node.ranges
        : [rangeOf((node as Text).bytes[at]!)];
      let isOne = false;
      for (const [first, last] of ranges) {
        if (byte < first) high = Math.min(high, first - 1);
        else if (byte > last) low = Math.max(low, last + 1);
        else {
          isOne = true;
          [low, high] = [Math.max(low, first), Math.min(high, last)];
        }
      }
      if (isOne) this.#pass(node as Text | Byte, at, next!, found);
    }
    return state.next.fill(this.#stateOf(found), low, high + 1)[byte]!;
  }

  /**
   * Lists the tokens that may come next.
   *
   * @param state Where the text is.
   * @param left How many tokens there is room for, at least `state.cost`.
   * @returns Those behind which the text can still be ended.
   */
  tokens(state: State, left: number): TokenSet {
    state.tokens ??= this.#setOf(state);
    if (state.tokens.highest < left) return state.tokens;
    return this.#walk(state, left - 1);
  }

  /** Lists the tokens that may come next, once for states of one shape. */
  #setOf(state: State): TokenSet {
    const shapes = new Set(state.cells.map(({ shape }) => shape));
    const key = [...shapes].sort((a, b) => a - b).join();
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = this.#walk(state, Infinity);
      this.#sets.set(key, set);
    }
    return set;
  }

  /** Lists the tokens behind which the end costs no more than `most`. */
  #walk(state: State, most: number): TokenSet {
    const { size, bytes, depths, ends, firsts, ids } = this.#trie;
    const bits = new Uint32Array(Math.ceil(size / 32));
    const way = this.#way;
    let [count, last, highest] = [0, 0, 0];
    way[0] = state;
    for (let i = 0; i < bytes.length;) {
      const depth = depths[i]!;
      const before = way[depth]!;
      const byte = bytes[i]!;
      const known = before.next[byte];
      const next = known === undefined ? this.step(before, byte) : known;
      if (next === null) {
        i = ends[i]!;
        continue;
      }
      way[depth + 1] = next;
      if (next.cost <= most) {
        for (let j = firsts[i]!; j < firsts[i + 1]!; j++) {
          last = ids[j]!;
          bits[last >> 5]! |= 1 << (last & 31);
          count++;
          if (next.cost > highest) highest = next.cost;
        }
      }
      i++;
    }
    return { bits, count, last, highest };
  }

  #stateOf(found: Set<Cell>): State | null {
    const cells = [...found].filter(isEdge).sort((a, b) => a.id - b.id);
    if (cells.length === 0) return null;
    const key = cells.map(({ id }) => id).join();
    let state = this.#states.get(key);
    if (state === undefined) {
      state = {
        cost: Math.min(...cells.map(({ cost }) => cost)),
        canEnd: found.has(this.#end),
        cells: cells.filter((cell) => cell !== this.#end),
        next: new Array(256).fill(undefined),
        tokens: undefined,
      };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Finds the bytes that a node can begin with, or those behind it. */
  #enter(node: Node, next: Cell, found: Set<Cell>): void {
    switch (node.kind) {
      case "text":
      case "byte":
        this.#note(node, 0, next, found);
        break;
      case "sequence":
        this.#continue(node, { at: 0, next, found });
        break;
      case "choice":
        for (const part of node.parts) this.#enter(part, next, found);
        break;
      case "repeat":
        this.#repeat(node, { at: 0, next, found });
        break;
      case "rule":
        this.#enter(node.body, next, found);
    }
  }

  /** Goes on behind a byte of a node. */
  #pass(node: Text | Byte, at: number, next: Cell, found: Set<Cell>): void {
    const isWhole = node.kind === "byte" || at + 1 === node.bytes.length;
    if (isWhole) this.#resume(next, found);
    else this.#note(node, at + 1, next, found);
  }

  /** Goes on with what follows something. */
  #resume(cell: Cell, found: Set<Cell>): void {
    // Noted as well, so that none is gone into twice: its part may be empty.
    if (found.has(cell)) return;
    found.add(cell);
    const { node, at, next } = cell;
    if (node?.kind === "sequence") {
      this.#continue(node, { at, next: next!, found });
    } else if (node?.kind === "repeat") {
      this.#repeat(node, { at, next: next!, found });
    }
  }

  #continue(
    node: Node & { kind: "sequence" },
    { at, next, found }: { at: number; next: Cell; found: Set<Cell> },
  ): void {
    const { parts } = node;
    if (at === parts.length) return this.#resume(next, found);
    const isLast = at === parts.length - 1;
    const rest = isLast ? next : this.#cellOf(node, at + 1, next);
    this.#enter(parts[at]!, rest, found);
  }

  #repeat(
    node: Node & { kind: "repeat" },
    { at, next, found }: { at: number; next: Cell; found: Set<Cell> },
  ): void {
    const { part, min, max } = node;
    const isEmpty = this.#costs.of(part) === 0;
    if (at >= min || isEmpty) this.#resume(next, found);
    if (at >= max) return;
    const count = max === Infinity ? Math.min(at + 1, min) : at + 1;
    const rest = this.#cellOf(node, count, next);
    // A part that says nothing leads to less than what is gone into here, once
    // for each time that is left.
    if (isEmpty) found.add(rest);
    this.#enter(part, rest, found);
  }

  #note(node: Node, at: number, next: Cell, found: Set<Cell>): void {
    const cell = this.#cellOf(node, at, next);
    if (cell.cost < Infinity) found.add(cell);
  }

  #cellOf(node: Node, at: number, next: Cell): Cell {
    let number = this.#numbers.get(node);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(node, number);
    }
    const key = number * PLACES + at;
    let cell = next.before.get(key);
    if (cell === undefined) {
      const cost = this.#costs.from(node, at) + next.cost;
      const shape = this.#shapeOf([
        number,
        this.#placeOf(node, at),
        next.shape,
      ]);
      const id = this.#cells++;
      cell = { id, node, at, next, cost, shape, before: new Map() };
      next.before.set(key, cell);
    }
    return cell;
  }

  /**
   * Where a node is, as far as one token can tell: between the fewest and the most
   * times of a repetition, only the latter counts, and only when it is near.
   */
  #placeOf(node: Node, at: number): number {
    if (node.kind !== "repeat" || node.max === Infinity) return at;
    const isFar = at >= node.min && node.max - at > this.#trie.longest &&
      this.#costs.of(node.part) > 0;
    return isFar ? -1 : at;
  }

  #shapeOf(parts: readonly number[]): number {
    const key = parts.join();
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = this.#shapes.size + 1;
      this.#shapes.set(key, shape);
    }
    return shape;
  }
}

/** A range of one byte. */
function rangeOf(byte: number): Range {
  return [byte, byte];
}

/** Whether a byte, or the end, comes next. */
function isEdge({ node }: Cell): boolean {
  return node === undefined || node.kind === "text" || node.kind === "byte";
}
