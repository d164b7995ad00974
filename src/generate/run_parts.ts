import { MAX_STEPS } from "../kernels/batch.ts";
import type { Sequence } from "../model/sequence.ts";
import type { Matcher } from "../structure/matcher.ts";
import { type EchoedToken, readsLogits } from "./logprobs.ts";
import { onlyOnCpu, type Sampling } from "./sampler.ts";
import type { StepQueue } from "./step_queue.ts";
import type { TokenOptions } from "./tokens.ts";

/** The sequences of one generation, lent to it, and where it takes steps. */
export interface RunSequences {
  /** Where all generations of the model take their steps. */
  queue: StepQueue;
  /** Makes the model ready for steps of several rows. */
  widen: () => Promise<void>;
  /** The model's. */
  sequence: Sequence;
  /** The draft model's, where it guesses. */
  draft?: Sequence | undefined;
  /** What the text is held to, where there is a grammar. */
  constraint?: Constraint | undefined;
}

/** What texts are held to. */
export interface Constraint {
  /** Follows the text. */
  matcher: Matcher;
  /** Tokens that end a text. */
  endIds: readonly number[];
  /** Tokens of all the model's texts that had no rival. */
  forced: { count: number };
}

/** One generation under way. */
export interface Run extends RunSequences {
  /** The prompt. */
  ids: readonly number[];
  /** How. */
  options: TokenOptions;
  /** How tokens are chosen. */
  sampling: Sampling;
  /** Tokens at the start that need not run again. */
  reused: number;
  /** Tokens that run as a prompt. */
  promptLength: number;
  /** What the model says of the prompt, where it is asked for. */
  echoed?: EchoedToken[] | undefined;
}

/** The options of a prompt. */
export function prompting({ signal, onPrompt }: TokenOptions) {
  return { signal, onProgress: onPrompt };
}

/**
 * Runs all of a text whose end was chosen, but for its last token.
 *
 * @returns That token.
 */
export async function resume(
  { sequence, widen, ids, options, reused, promptLength }: Run,
): Promise<number> {
  if (reused < promptLength) {
    const prompt = ids.slice(reused, promptLength);
    await sequence.append(prompt, prompting(options));
  }
  const steps = ids.slice(Math.max(reused, promptLength), -1);
  // Each of them can run alone, where several cannot.
  const rows = steps.length > 1
    ? await widen().then(() => MAX_STEPS, () => 1)
    : 1;
  await sequence.replay(steps, { ...prompting(options), rows });
  options.signal?.throwIfAborted();
  return ids.at(-1)!;
}

/** Whether tokens are chosen on the CPU, of logits that are read each step. */
export function readsEachStep(
  { sequence, options, sampling }: Pick<
    Run,
    "sequence" | "options" | "sampling"
  >,
): boolean {
  return options.sampler === "cpu" || readsLogits(options) !== undefined ||
    !sequence.canChoose || onlyOnCpu(sampling) !== undefined;
}
