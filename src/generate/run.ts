import { nextTurn } from "../gpu/next_turn.ts";
import type { Sequence } from "../model/sequence.ts";
import { Draft } from "./draft.ts";
import { logSumExp } from "./logits.ts";
import { Lookup } from "./lookup.ts";
import { Stepper } from "./stepper.ts";
import { readSampling, Sampler, type Sampling } from "./sampler.ts";
import { Speculator } from "./speculate.ts";
import type { TokenChunk, TokenOptions } from "./tokens.ts";

/** The sequences of one generation, lent to it. */
export interface RunSequences {
  /** The model's. */
  sequence: Sequence;
  /** The draft model's, where it guesses. */
  draft?: Sequence | undefined;
}

/** One generation under way. */
interface Run extends RunSequences {
  ids: readonly number[];
  options: TokenOptions;
  sampling: Sampling;
}

/**
 * Continues a prompt.
 *
 * @param sequences What it runs on; nobody else may use it at the same time.
 * @param ids The prompt, at least one token.
 * @param options How.
 * @returns The tokens as they are read back, the end of a text among them.
 */
export async function* runTokens(
  { sequence, draft }: RunSequences,
  ids: readonly number[],
  options: TokenOptions,
): AsyncGenerator<TokenChunk, void> {
  const { reuse = true, sampler = "gpu", logprobs = false, maxTokens } =
    options;
  const sampling = readSampling(options, sequence.context);
  const reused = reuse ? sequence.shared(ids) : 0;
  sequence.rewind(reused);
  const run: Run = { sequence, draft, ids, options, sampling };
  if (maxTokens === 0) {
    await sequence.append(ids.slice(reused), prompting(options));
    yield { ids: [], reused };
  } else if (sampler === "cpu" || logprobs || !sequence.canChoose) {
    yield* onCpu(run, reused);
  } else {
    yield* onGpu(run, reused);
  }
}

function prompting({ signal, onPrompt }: TokenOptions) {
  return { signal, onProgress: onPrompt };
}

/** Reads the logits of each step. */
async function* onCpu(
  { sequence, ids, options, sampling }: Run,
  reused: number,
): AsyncGenerator<TokenChunk, void> {
  const { signal, logprobs = false, maxTokens } = options;
  const sampler = new Sampler(sampling, ids);
  let logits = await sequence.promptLogits(
    ids.slice(reused),
    prompting(options),
  );
  for (let step = 0;;) {
    // A model may have more rows than its vocabulary has tokens.
    const known = logits.subarray(0, sequence.tokens);
    const id = sampler.sample(known, step);
    yield {
      ids: [id],
      ...(logprobs && { logprobs: [known[id]! - logSumExp(logits)] }),
      ...(step === 0 && { reused }),
    };
    if (++step === maxTokens) return;
    await nextTurn();
    signal?.throwIfAborted();
    logits = await sequence.stepLogits(id);
  }
}

/** Lets the GPU choose, and go on by itself. */
async function* onGpu(
  run: Run,
  reused: number,
): AsyncGenerator<TokenChunk, void> {
  const { sequence, ids, options, sampling } = run;
  const { signal, maxTokens } = options;
  sequence.setChoice(sampling, ids);
  const first = await sequence.choose(ids.slice(reused), prompting(options));
  yield { ids: [first], reused };
  const speculator = createSpeculator(run, first);
  const stepper = new Stepper(sequence, options.steps);
  let last = first;
  for (let left = maxTokens - 1; left > 0;) {
    await nextTurn();
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
