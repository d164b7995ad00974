/** A row of a {@linkcode BranchPass}. */
export interface BranchRow {
  /** Its token. */
  id: number;
  /** How much further on than its position it stands in the cache. */
  gap: number;
  /** Which continuation it belongs to; -1 where it is the prefix's last token. */
  continuation: number;
  /** Which token of that its logits tell of. */
  next: number;
}

/** Rows that run together. */
export interface BranchPass {
  /** Position of the first row. */
  position: number;
  /** Position that the continuations begin at; 0 where they are none of several. */
  fork: number;
  /** The rows, at least one. */
  rows: BranchRow[];
}

/** Options for {@linkcode planBranches}. */
export interface BranchPlanOptions {
  /** Tokens of the prefix, at least one; all but the last are in the cache. */
  prefix: readonly number[];
  /** What continues it, at least one token each. */
  continuations: readonly (readonly number[])[];
  /** Most rows of a pass. */
  most: number;
  /**
   * Positions of the cache: at least those of the prefix and of any one
   * continuation but its last token.
   */
  slots: number;
}

/**
 * Rows that a continuation needs besides the prefix: none for its last token, of
 * which only the probability is wanted.
 */
export function ownRows(continuation: readonly number[]): number {
  return continuation.length - 1;
}

/**
 * Packs the continuations of one prefix into few passes. The first one begins
 * with the last token of the prefix; what does not fit into one pass runs alone,
 * as a prompt does.
 *
 * @param options The tokens, and what fits.
 * @returns The passes, in the order in which they have to run.
 */
export function planBranches(
  { prefix, continuations, most, slots }: BranchPlanOptions,
): BranchPass[] {
  const fork = prefix.length;
  const id = prefix.at(-1)!;
  const stem = { id, gap: 0, continuation: -1, next: 0 };
  let pass: BranchPass = { position: fork - 1, fork, rows: [stem] };
  const passes = [pass];
  for (const [continuation, ids] of continuations.entries()) {
    const count = ownRows(ids);
    if (count > most) {
      passes.push(...planAlone(ids, { continuation, most, position: fork }));
      continue;
    }
    if (count === 0) continue;
    const length = pass.rows.length + count;
    if (length > most || pass.position + length > slots) {
      pass = { position: fork, fork, rows: [] };
      passes.push(pass);
    }
    const gap = pass.position + pass.rows.length - fork;
    for (let i = 0; i < count; i++) {
      pass.rows.push({ id: ids[i]!, gap, continuation, next: i + 1 });
    }
  }
  return passes;
}

function planAlone(
  ids: readonly number[],
  { continuation, most, position }: {
    continuation: number;
    most: number;
    position: number;
  },
): BranchPass[] {
  const passes: BranchPass[] = [];
  const count = ownRows(ids);
  for (let first = 0; first < count; first += most) {
    const part = ids.slice(first, Math.min(first + most, count));
    const rows = part.map((id, i) => ({
      ...{ id, gap: 0, continuation, next: first + i + 1 },
    }));
    passes.push({ position: position + first, fork: 0, rows });
  }
  return passes;
}
