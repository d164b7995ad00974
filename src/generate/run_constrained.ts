import { nextTurnWhenDue } from "../gpu/next_turn.ts";
import { MAX_STEPS } from "../kernels/batch.ts";
import type { Mask, Matcher } from "../structure/matcher.ts";
import { logSumExp } from "./logits.ts";
import { readsLogits, stepLogprobs } from "./logprobs.ts";
import {
  type Constraint,
  prompting,
  readsEachStep,
  resume,
  type Run,
} from "./run_parts.ts";
import { Pace } from "./pace.ts";
import { SameMasks } from "./same_masks.ts";
import { isBanned, ruledOutError, Sampler } from "./sampler.ts";
import type { TokenChunk } from "./tokens.ts";

/** One generation that is held to a grammar. */
export interface ConstrainedRun extends Run {
  /** What it is held to. */
  constraint: Constraint;
}

/** Milliseconds of a mask that need not be hidden behind a pass. */
const QUICK_MS = 0.5;

/**
 * Tokens without a choice from which on a pass for several of them is worth the
 * time that it takes to make the model ready for it.
 */
const WORTH_WIDENING = 48;

/** Runs passes, and chooses of what may come. */
interface Chooser {
  /** Runs the prompt, and need not wait for it. */
  begin(): Promise<void>;
  /**
   * Takes a token. It runs, without being waited for, where the next mask takes
   * time; else it may wait for the choice of the next one.
   *
   * @param id The token.
   * @param isQuick Whether the mask is found at once.
   */
  step(id: number, isQuick: boolean): Promise<void> | void;
  /**
   * Chooses the token of a step.
   *
   * @param mask The tokens that may come.
   * @param step The step.
   * @param left Tokens that are wanted, from this one on.
   */
  choose(mask: Mask, step: number, left: number): Promise<TokenChunk>;
}

/**
 * Continues a prompt by a text of a grammar. Where it takes time to find out which
 * tokens may follow, the CPU does so while the GPU is at the pass of the last one;
 * else pass and choice are one submission. A token that has no rival is not asked
 * for, and runs together with those behind it; where masks stay the same, several
 * steps are one submission.
 *
 * @param run What runs, and what it is held to.
 * @returns The tokens as they are chosen. Where only the end may follow, that
 * comes without a choice: as a token where there is one for it, else as
 * `isComplete`.
 */
export async function* runConstrained(
  run: ConstrainedRun,
): AsyncGenerator<TokenChunk, void> {
  const { options, reused, echoed, constraint: { matcher, endIds } } = run;
  const { signal, maxTokens, firstStep = 0 } = options;
  const chooser = readsEachStep(run) ? onCpu(run) : onGpu(run);
  await chooser.begin();
  for (let step = 0; step < maxTokens; step++) {
    const start = performance.now();
    const mask = withEnds(await matcher.next(maxTokens - step), endIds);
    const isQuick = performance.now() - start < QUICK_MS;
    const first = step === 0 ? { reused, ...(echoed && { echoed }) } : {};
    if (mask.count === 0) {
      yield { ...first, ...complete(mask, endIds) };
      return;
    }
    const left = maxTokens - step;
    const chunk = await chooser.choose(mask, firstStep + step, left);
    yield { ...chunk, ...first };
    const [id] = chunk.ids;
    if (endIds.includes(id!) || step + 1 === maxTokens) return;
    matcher.accept(id!);
    await nextTurnWhenDue();
    signal?.throwIfAborted();
    await chooser.step(id!, isQuick);
  }
}

/**
 * Makes sure that a text fits.
 *
 * @param matcher What it is held to.
 * @param most Tokens that there is room for.
 * @throws {RangeError} If not even the shortest one fits.
 */
export function checkRoom({ least }: Matcher, most: number): void {
  if (least <= most) return;
  throw new RangeError(
    `Cannot generate: the shortest text of the grammar takes ${least} tokens, maxTokens and the context leave room for ${most}`,
  );
}

/** Masks that allow the end as well, as most come again and again. */
const WITH_ENDS = new WeakMap<Uint32Array, Uint32Array<ArrayBuffer>>();

/** Allows the tokens that end a text, where it may end. */
function withEnds(mask: Mask, endIds: readonly number[]): Mask {
  // A text that can only end need not be asked for it.
  if (!mask.canEnd || mask.count === 0) return mask;
  let bits = WITH_ENDS.get(mask.bits);
  if (bits === undefined) {
    bits = mask.bits.slice();
    for (const id of endIds) bits[id >> 5]! |= 1 << (id & 31);
    WITH_ENDS.set(mask.bits, bits);
  }
  return { ...mask, bits, count: mask.count + endIds.length };
}

function complete(
  { canEnd }: Mask,
  [endId]: readonly number[],
): TokenChunk {
  if (!canEnd) {
    throw new Error(
      "Cannot generate: no token of the model's vocabulary goes on as the grammar wants it",
    );
  }
  return endId === undefined ? { ids: [], isComplete: true } : { ids: [endId] };
}

function onGpu(run: ConstrainedRun): Chooser {
  const { sequence, widen, ids, options, sampling, promptLength } = run;
  const { signal } = options;
  const { forced } = run.constraint;
  // Samplers that look back take note of what is chosen.
  const canSkip = sampling.rule.lastN === 0;
  /** Tokens whose passes wait for a token that has to be chosen. */
  const waiting: number[] = [];
  let rows = 1;
  /** Tokens that were chosen ahead, as if the mask stayed the same. */
  const ahead: number[] = [];
  const masks = new SameMasks(canSkip ? sequence.readbackCost : 0);
  const pace = new Pace();
  let lastBits: Uint32Array | undefined;
  let lastId = NaN;
  /** Runs the tokens that wait but for the last ones, which fit into one pass. */
  const last = async () => {
    if (rows === 1 && waiting.length > 1 && forced.count >= WORTH_WIDENING) {
      // Each of them can run alone, where several cannot.
      rows = await widen().then(() => MAX_STEPS, () => 1);
    }
    const most = Math.max(0, waiting.length - rows);
    if (most > 0) {
      await sequence.replay(waiting.splice(0, most), { rows, signal });
    }
    return waiting.splice(0);
  };
  /** Takes back what was chosen by another mask than came. */
  const takeBack = () => {
    // The pass of the last token is among them: its choice is made anew.
    sequence.rewind(sequence.length - ahead.length);
    ahead.length = 0;
    waiting.push(lastId);
  };
  /** Chooses a token, and as many behind it as are likely to be right. */
  const chooseSome = async (
    { bits }: Mask,
    step: number,
    left: number,
  ): Promise<number> => {
    if (waiting.length === 0) return await sequence.masked.choose(bits, step);
    const ids = await last();
    const most = Math.min(left, sequence.room - ids.length + 1);
    const count = Math.min(masks.steps, pace.steps, Math.max(1, most));
    const start = performance.now();
    const options = { count, chosen: step };
    const [first, ...rest] = await sequence.masked.step(ids, bits, options);
    pace.note(count, performance.now() - start);
    ahead.push(...rest);
    return first!;
  };
  return {
    async begin() {
      await sequence.masked.prepare();
      sequence.setChoice(sampling, { history: ids });
      if (promptLength < ids.length) {
        sequence.masked.keep([await resume(run)]);
      } else {
        const prompt = ids.slice(sequence.length);
        await sequence.masked.keepPrompt(prompt, prompting(options));
      }
    },
    async step(id, isQuick) {
      lastId = id;
      if (ahead.length > 0) return; // its pass has run
      waiting.push(id);
      if (!isQuick) sequence.masked.keep(await last());
    },
    async choose(mask, step, left) {
      const { bits, count, last: only } = mask;
      masks.note(bits);
      if (ahead.length > 0 && bits !== lastBits) takeBack();
      lastBits = bits;
      if (count === 1 && canSkip) {
        if (isBanned(sampling, only)) throw ruledOutError();
        forced.count++;
        return { ids: [only] };
      }
      const chosen = ahead.shift() ?? await chooseSome(mask, step, left);
      if (isBanned(sampling, chosen)) throw ruledOutError();
      return { ids: [chosen] };
    },
  };
}

function onCpu(run: ConstrainedRun): Chooser {
  const { sequence, ids, options, sampling, promptLength } = run;
  const reads = readsLogits(options) !== undefined;
  const sampler = new Sampler(sampling, ids, options.samplerState);
  let logits: Float32Array;
  return {
    async begin() {
      logits = promptLength < ids.length
        ? await sequence.stepLogits(await resume(run))
        : await sequence.promptLogits(
          ids.slice(sequence.length),
          prompting(options),
        );
    },
    async step(id) {
      logits = await sequence.stepLogits(id);
    },
    async choose({ bits }, step) {
      const { tokens } = sequence;
      // A model may have more rows than its vocabulary has tokens.
      const known = logits.subarray(0, tokens);
      const total = reads ? logSumExp(logits) : NaN;
      const id = await sampler.sampleHooked(known, step, bits);
      return {
        ids: [id],
        samplerState: sampler.state,
        ...(reads && {
          logprobs: [known[id]! - total],
          steps: [stepLogprobs({ logits, tokens, total }, options)],
        }),
      };
    },
  };
}
