import { nextTurnWhenDue } from "../gpu/next_turn.ts";
import { Draft } from "./draft.ts";
import { logSumExp } from "./logits.ts";
import { readPrompt, readsLogits, stepLogprobs } from "./logprobs.ts";
import { Lookup } from "./lookup.ts";
import { runConstrained } from "./run_constrained.ts";
import {
  prompting,
  readsEachStep,
  resume,
  type Run,
  type RunSequences,
} from "./run_parts.ts";
import { Stepper } from "./stepper.ts";
import { readSampling, Sampler } from "./sampler.ts";
import { Speculator } from "./speculate.ts";
import type { TokenChunk, TokenOptions } from "./tokens.ts";

/**
 * Continues a prompt.
 *
 * @param sequences What it runs on; nobody else may use it at the same time.
 * @param ids The prompt, at least one token.
 * @param options How.
 * @returns The tokens as they are read back, the end of a text among them.
 */
export async function* runTokens(
  sequences: RunSequences,
  ids: readonly number[],
  options: TokenOptions,
): AsyncGenerator<TokenChunk, void> {
  const { reuse = true, echo = false, maxTokens } = options;
  // With an echo all of it is a prompt, as its logits are read.
  const promptLength = !echo && options.promptLength || ids.length;
  const { sequence } = sequences;
  const sampling = readSampling(options, sequence.context);
  const reused = reuse && !echo ? sequence.shared(ids, promptLength) : 0;
  sequence.rewind(reused);
  const echoed = echo
    ? await readPrompt(sequence, ids, { ...options, ...prompting(options) })
    : undefined;
  const more = { ids, options, sampling, reused, promptLength, echoed };
  const run: Run = { ...sequences, ...more };
  if (maxTokens === 0) {
    if (promptLength < ids.length) await resume(run);
    else await sequence.append(ids.slice(sequence.length), prompting(options));
    yield { ids: [], reused, ...(echoed && { echoed }) };
  } else if (run.constraint !== undefined) {
    yield* runConstrained({ ...run, constraint: run.constraint });
  } else if (readsEachStep(run)) {
    yield* onCpu(run);
  } else {
    yield* onGpu(run);
  }
}

/** Reads the logits of each step. */
async function* onCpu(run: Run): AsyncGenerator<TokenChunk, void> {
  const { sequence, ids, options, sampling, reused, echoed } = run;
  const { signal, maxTokens, firstStep = 0 } = options;
  const reads = readsLogits(options);
  const sampler = new Sampler(sampling, ids, options.samplerState);
  let logits = run.promptLength < ids.length
    ? await sequence.stepLogits(await resume(run))
    : await sequence.promptLogits(
      ids.slice(sequence.length),
      prompting(options),
    );
  for (let step = 0;;) {
    // A model may have more rows than its vocabulary has tokens.
    const known = logits.subarray(0, sequence.tokens);
    const total = reads ? logSumExp(logits) : NaN;
    const id = await sampler.sampleHooked(known, firstStep + step);
    const { tokens } = sequence;
    yield {
      ids: [id],
      samplerState: sampler.state,
      ...(reads && {
        logprobs: [known[id]! - total],
        steps: [stepLogprobs({ logits, tokens, total }, options)],
      }),
      ...(step === 0 && { reused, ...(echoed && { echoed }) }),
    };
    if (++step === maxTokens) return;
    await nextTurnWhenDue();
    signal?.throwIfAborted();
    logits = await sequence.stepLogits(id);
  }
}

/** Lets the GPU choose, and go on by itself. */
async function* onGpu(run: Run): AsyncGenerator<TokenChunk, void> {
  const { queue, sequence, ids, options, sampling, reused, echoed } = run;
  const { signal, maxTokens, firstStep } = options;
  sequence.setChoice(sampling, { history: ids, chosen: firstStep });
  const [first] = run.promptLength < ids.length
    ? await sequence.steps([await resume(run)], { count: 1 })
    : [await sequence.choose(ids.slice(sequence.length), prompting(options))];
  yield { ids: [first!], reused, ...(echoed && { echoed }) };
  const speculator = createSpeculator(run, first!);
  using _member = queue.enter();
  const stepper = new Stepper(queue, sequence, options.steps);
  let last = first!;
  for (let left = maxTokens - 1; left > 0;) {
    await nextTurnWhenDue();
    signal?.throwIfAborted();
    let chosen = await speculator?.take(sequence, { last, left }) ?? [];
    if (chosen.length === 0) {
      const most = Math.min(left, speculator?.rest ?? left);
      chosen = await stepper.take(last, most);
    }
    left -= chosen.length;
    last = chosen.at(-1)!;
    speculator?.note(chosen);
    yield {
      ids: chosen,
      ...(speculator && { speculation: speculator.statistics }),
    };
  }
}

function createSpeculator(
  { draft, ids, options }: Run,
  first: number,
): Speculator | undefined {
  const all = [...ids, first];
  if (draft !== undefined) {
    return new Speculator(new Draft(draft, all, options));
  }
  if (options.speculation === "lookup") return new Speculator(new Lookup(all));
  return undefined;
}
