import { nextTurn } from "../gpu/next_turn.ts";
import { checkIds } from "./check_ids.ts";
import type { Work } from "./recorder.ts";
import type { Runner } from "./runner.ts";

/** How far a prompt is. */
export interface PromptProgress {
  /** Tokens that are in the cache. */
  processed: number;
  /** Tokens of the prompt. */
  total: number;
}

/** Options for prompts of a sequence. */
export interface PromptOptions {
  /** Stops between batches; what was appended before stays. */
  signal?: AbortSignal | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: PromptProgress) => void) | undefined;
}

/** Options for {@linkcode runPrompt}. */
export interface RunPromptOptions<T> extends PromptOptions, Pick<Work, "then"> {
  /** Reads what the last batch comes to. */
  read: () => Promise<T>;
}

/**
 * Runs all batches of a prompt.
 *
 * @param runner The sequence's.
 * @param ids The prompt, at least one token.
 * @param options What is done with the logits behind it, and how it is read.
 * @returns What was read.
 * @throws {RangeError} If there are no ids, too many, or one is out of range.
 */
export async function runPrompt<T>(
  runner: Runner,
  ids: readonly number[],
  { then, read, signal, onProgress }: RunPromptOptions<T>,
): Promise<T> {
  check(runner, ids);
  const kind = "prompt";
  const { batch } = runner.llama.state;
  const total = runner.length + ids.length;
  let first = 0;
  for (; first + batch < ids.length; first += batch) {
    const none = { rows: 0, kind } as const;
    const part = ids.slice(first, first + batch);
    runner.appendRows({ ids: part, kind, head: none, then: "nothing" });
    await runner.results.done();
    onProgress?.({ processed: runner.length, total });
    await nextTurn();
    signal?.throwIfAborted();
  }
  const head = { rows: then === "nothing" ? 0 : 1, kind: "step" } as const;
  runner.appendRows({ ids: ids.slice(first), kind, head, then });
  const result = await read();
  onProgress?.({ processed: runner.length, total });
  return result;
}

/**
 * Runs a prompt and gives the logits after each token.
 *
 * @param runner The sequence's.
 * @param ids The prompt, at least one token.
 * @param options Interruption and progress.
 * @returns One array of `[vocabularySize]` a token, in order.
 * @throws {RangeError} If there are no ids, too many, or one is out of range.
 */
export async function* runPromptLogits(
  runner: Runner,
  ids: readonly number[],
  { signal, onProgress }: PromptOptions = {},
): AsyncGenerator<Float32Array> {
  check(runner, ids);
  const { state, config: { vocabularySize } } = runner.llama;
  // All logits of a batch are read at once: another sequence may run next.
  const most = Math.min(state.batch, state.headRows);
  for (let first = 0; first < ids.length; first += most) {
    const batch = ids.slice(first, first + most);
    const { length } = batch;
    const head = { rows: length, kind: "prompt" } as const;
    runner.appendRows({ ids: batch, kind: "prompt", head, then: "logits" });
    const logits = await runner.results.logits(length);
    onProgress?.({ processed: first + length, total: ids.length });
    for (let row = 0; row < length; row++) {
      const start = row * vocabularySize;
      yield logits.subarray(start, start + vocabularySize);
    }
    await nextTurn();
    signal?.throwIfAborted();
  }
}

function check({ llama, length, room }: Runner, ids: readonly number[]): void {
  if (ids.length === 0) {
    throw new RangeError("Cannot append: there are no tokens, one is wanted");
  }
  if (ids.length > room) {
    throw new RangeError(
      `Cannot append ${ids.length} tokens to ${length}: the context has ${llama.context}`,
    );
  }
  checkIds("append", ids, llama.config.vocabularySize);
}
