import {
  type ContinuationIdOptions,
  type ContinuationScore,
  type ContinuationToken,
  LogitsRow,
} from "../generate/continuations.ts";
import { BufferPool, GpuMemoryError } from "../gpu/buffers.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import {
  type BranchPlanOptions,
  ownRows,
  planBranches,
} from "../model/branch_plan.ts";
import { Branches } from "../model/branches.ts";
import {
  createKvBuffers,
  type KvBuffers,
  kvBytes,
  positionBytes,
} from "../model/kv_buffers.ts";
import { copyKv } from "../model/kv_snapshot.ts";
import type { LentParts } from "./gpu_engine.ts";
import { checkSystemMemory } from "./memory.ts";

/**
 * Gives the log-probability of each token of several continuations of one prefix,
 * which runs once. What comes of one does not depend on the others.
 *
 * @param parts The model and a sequence, whose tokens are those of the prefix
 * afterwards, but for its last one.
 * @param prefix Its tokens, at least one.
 * @param continuations At least one token each; each fits behind the prefix, but
 * for its last token.
 * @param options How many alternatives, and interruption.
 * @returns One score a continuation, in order.
 * @throws {Error} If the model computed what is no number.
 */
export async function scoreContinuations(
  { gpu, llama, sequence }: LentParts,
  prefix: readonly number[],
  continuations: readonly (readonly number[])[],
  { top = 0, reuse = true, signal }: ContinuationIdOptions,
): Promise<ContinuationScore[]> {
  const known = prefix.slice(0, -1);
  sequence.rewind(reuse ? sequence.shared(prefix) : 0);
  const missing = known.slice(sequence.length);
  if (missing.length > 0) await sequence.append(missing, { signal });
  const { batch, headRows } = llama.state;
  const readsLogits = top > 0;
  const most = readsLogits ? Math.min(batch, headRows) : batch;
  using pool = new BufferPool(gpu.device);
  const plan = { prefix, continuations, most, slots: llama.context };
  const { cache, slots } = await chooseCache({ gpu, llama, sequence }, {
    ...{ plan, pool },
  });
  const isDisposed = () => sequence.isDisposed;
  using branches = await Branches.create({
    ...{ gpu, llama, cache, pool, most, readsLogits, isDisposed },
  });
  const tokens: ContinuationToken[][] = continuations.map(() => []);
  for (const pass of planBranches({ ...plan, slots })) {
    await nextTurn();
    signal?.throwIfAborted();
    const own = pass.rows.filter(({ continuation }) => continuation >= 0);
    const next = own.map(({ continuation, next }) =>
      continuations[continuation]![next]!
    );
    const { stem, rows } = await branches.run(pass, next);
    if (stem !== undefined) {
      const first = new LogitsRow(stem, { tokens: llama.tokens, top });
      for (const [i, ids] of continuations.entries()) {
        tokens[i]!.push(first.token(ids[0]!));
      }
    }
    for (const [i, { continuation }] of own.entries()) {
      const said = rows[i]!;
      tokens[continuation]!.push(
        said instanceof Float32Array
          ? new LogitsRow(said, { tokens: llama.tokens, top }).token(next[i]!)
          : { id: next[i]!, ...said },
      );
    }
  }
  return tokens.map((own) => ({
    loglikelihood: own.reduce((sum, { logprob }) => sum + logprob, 0),
    isGreedy: own.every(({ rank }) => rank === 0),
    tokens: own,
    dropped: 0,
  }));
}

/**
 * The cache that continuations run in: the sequence's own where there is room
 * behind the prefix, or else one with more, for as long as it takes.
 */
async function chooseCache(
  { gpu, llama, sequence }: LentParts,
  { plan, pool }: { plan: BranchPlanOptions; pool: BufferPool },
): Promise<{ cache: KvBuffers; slots: number }> {
  const own = { cache: sequence.cache, slots: llama.context };
  const { prefix, continuations, most } = plan;
  const rows = continuations.map(ownRows);
  const sum = rows.reduce((sum, count) => sum + count, 0);
  const least = rows.reduce((max, count) => Math.max(max, count), 0);
  const slots = prefix.length + Math.max(Math.min(sum, most), least);
  const passes = (slots: number) => planBranches({ ...plan, slots }).length;
  if (slots <= own.slots || passes(slots) === passes(own.slots)) return own;
  const { config, kv } = llama;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const size = slots * positionBytes(config, kv);
  if (size > Math.min(maxBufferSize, maxStorageBufferBindingSize)) return own;
  const shape = { config, kv, context: slots };
  const what = "a KV cache to score with";
  try {
    checkSystemMemory(gpu, what, kvBytes(shape));
    const cache = createKvBuffers(pool, shape);
    await pool.check(what);
    const bytes = sequence.length * positionBytes(config, kv);
    copyKv(gpu, { from: own.cache, to: cache, bytes });
    return { cache, slots };
  } catch (error) {
    // It takes more passes, but no more memory.
    if (error instanceof GpuMemoryError) return own;
    throw error;
  }
}
