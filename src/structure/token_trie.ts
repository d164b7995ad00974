import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * The tokens that can spell text, by their bytes: a tree written in the order in
 * which it is walked, so that walking it is one loop.
 */
export interface TokenTrie {
  /** Tokens of the vocabulary. */
  readonly size: number;
  /** Byte of each node, `[nodes]`. */
  readonly bytes: Uint8Array;
  /** How many bytes precede it, `[nodes]`. */
  readonly depths: Uint16Array;
  /** The node behind all that begin like it, `[nodes]`. */
  readonly ends: Uint32Array;
  /** Where the tokens of each node begin in `ids`, `[nodes + 1]`. */
  readonly firsts: Uint32Array;
  /** Tokens, node by node. */
  readonly ids: Uint32Array;
  /** Bytes of the longest token. */
  readonly longest: number;
}

/**
 * The bytes of the tokens that can spell text: none of a special token, an
 * unused one or one that stands for the unknown, and none of a byte that is also
 * a piece of text, as models know such a byte by its piece.
 *
 * @param tokenizer The tokenizer.
 * @returns The bytes of each token, `[size]`.
 */
export function tokenBytes(tokenizer: Tokenizer): Uint8Array[] {
  const nothing = new Uint8Array();
  const pieces = new Set<number>(); // of one byte
  for (let id = 0; id < tokenizer.size; id++) {
    if (tokenizer.typeOf(id) !== "normal") continue;
    const bytes = tokenizer.pieceBytes(id);
    if (bytes.length === 1) pieces.add(bytes[0]!);
  }
  return Array.from({ length: tokenizer.size }, (_, id) => {
    const type = tokenizer.typeOf(id);
    const isText = (type === "normal" || type === "byte") &&
      !tokenizer.isEndOfGeneration(id);
    const bytes = isText ? tokenizer.pieceBytes(id) : nothing;
    return type === "byte" && pieces.has(bytes[0]!) ? nothing : bytes;
  });
}

/**
 * Makes the tree of a vocabulary.
 *
 * @param tokens The bytes of each token; those of none are left out.
 * @returns The tree.
 */
export function createTokenTrie(tokens: readonly Uint8Array[]): TokenTrie {
  const order = tokens.flatMap((bytes, id) => bytes.length > 0 ? [id] : [])
    .sort((a, b) => compareBytes(tokens[a]!, tokens[b]!) || a - b);
  const bytes: number[] = [];
  const depths: number[] = [];
  const firsts: number[] = [];
  const ids: number[] = [];
  const ends: number[] = [];
  const open: number[] = []; // the nodes of the last token
  let last = new Uint8Array() as Uint8Array;
  const close = (depth: number) => {
    while (open.length > depth) ends[open.pop()!] = bytes.length;
  };
  for (const id of order) {
    const token = tokens[id]!;
    let shared = 0;
    while (shared < last.length && token[shared] === last[shared]) shared++;
    close(shared);
    for (let depth = shared; depth < token.length; depth++) {
      open.push(bytes.length);
      bytes.push(token[depth]!);
      depths.push(depth);
      firsts.push(ids.length);
    }
    ids.push(id);
    last = token;
  }
  close(0);
  return {
    size: tokens.length,
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    ends: Uint32Array.from(ends),
    firsts: Uint32Array.from([...firsts, ids.length]),
    ids: Uint32Array.from(ids),
    longest: tokens.reduce((most, { length }) => Math.max(most, length), 0),
  };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
