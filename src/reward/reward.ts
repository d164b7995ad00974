import type { ChatMessage } from "../chat/messages.ts";
import { composeChat, type RenderChatOptions } from "../chat/render.ts";
import type { ContinuationScore } from "../generate/continuations.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** An answer to a chat. */
export interface RewardExample {
  /** The chat up to the user's last message. */
  messages: readonly ChatMessage[];
  /** What the assistant says to it, taken as it is. */
  response: string;
}

/** Options for rewards. */
export interface RewardOptions
  extends Pick<RenderChatOptions, "control" | "markers" | "signal"> {
  /** What log-ratios are multiplied with. Defaults to `0.1`. */
  beta?: number | undefined;
  /**
   * How the chat is written. Defaults to `"halos"`, as Archangel was trained, with
   * a newline before the first turn.
   */
  format?: RenderChatOptions["format"];
  /**
   * Whether the end-of-sequence token counts as the response's last one, as it
   * did in training. Defaults to `true`.
   */
  eos?: boolean | undefined;
}

/** What two models say of a response. */
export interface Reward {
  /** `beta * logRatio`: what the policy was made to prefer. */
  reward: number;
  /** `policyLogprob - referenceLogprob`. */
  logRatio: number;
  /** Sum of the response's log-probabilities, by the policy. */
  policyLogprob: number;
  /** The same by the reference. */
  referenceLogprob: number;
  /** Tokens of the response, the end-of-sequence token included. */
  tokens: number;
}

/** What of a model rewards need. */
export interface RewardModel {
  /** Text to tokens. */
  readonly tokenizer: Tokenizer;
  /** Positions that the model can attend to. */
  readonly contextLength: number;
  /** Gives the log-probabilities of continuations of one prompt. */
  score(
    prompt: readonly number[],
    continuations: readonly (readonly number[])[],
    options: { signal?: AbortSignal | undefined },
  ): Promise<ContinuationScore[]>;
}

/** What {@linkcode impliedRewards} compares. */
export interface RewardModels {
  /** The model that was trained. */
  policy: RewardModel;
  /** What it was trained from. */
  reference: RewardModel;
  /** The policy's chat template, where it has one. */
  template?: string | undefined;
}

/** An example in tokens. */
interface Encoded {
  /** The prompt. */
  prefix: readonly number[];
  /** The response. */
  ids: readonly number[];
}

/**
 * The rewards that a policy's training implies (HALOs):
 *
 *     beta (log policy(response | chat) - log reference(response | chat))
 *
 * Responses of the same chat share its run.
 *
 * @param models Two models of one vocabulary.
 * @param examples Chats and their answers.
 * @param options How they are written.
 * @returns One reward an example, in order.
 * @throws {RangeError} If an example does not fit into the contexts, or an option
 * is out of its range.
 * @throws {Error} If the vocabularies differ, or have no end-of-sequence token.
 */
export async function impliedRewards(
  { policy, reference, template }: RewardModels,
  examples: readonly RewardExample[],
  options: RewardOptions = {},
): Promise<Reward[]> {
  const { beta = 0.1, signal } = options;
  checkBeta("give rewards", beta);
  signal?.throwIfAborted();
  checkVocabularies(policy.tokenizer, reference.tokenizer);
  const context = Math.min(policy.contextLength, reference.contextLength);
  const encoded: Encoded[] = [];
  for (const [i, example] of examples.entries()) {
    const one = await encode(policy.tokenizer, example, {
      ...{ ...options, template },
    });
    checkLength(one, { index: i, context });
    encoded.push(one);
  }
  const policies = await scoreAll(policy, encoded, signal);
  const references = await scoreAll(reference, encoded, signal);
  return encoded.map(({ ids }, i) => {
    const [policyLogprob, referenceLogprob] = [policies[i]!, references[i]!];
    const logRatio = policyLogprob - referenceLogprob;
    return {
      reward: beta * logRatio,
      logRatio,
      policyLogprob,
      referenceLogprob,
      tokens: ids.length,
    };
  });
}

/**
 * Checks what log-ratios are multiplied with.
 *
 * @param action What it is wanted for, as errors call it.
 * @param beta The factor.
 * @throws {RangeError} If it is no positive number.
 */
export function checkBeta(action: string, beta: number): void {
  if (Number.isFinite(beta) && beta > 0) return;
  throw new RangeError(
    `Cannot ${action}: beta is ${beta}, a positive number is wanted`,
  );
}

function checkVocabularies(policy: Tokenizer, reference: Tokenizer): void {
  const [wanted, tokens] = [policy, reference].map((one) =>
    one.vocabulary.tokens
  );
  const length = Math.max(wanted!.length, tokens!.length);
  for (let id = 0; id < length; id++) {
    if (tokens![id] === wanted![id]) continue;
    throw new Error(
      `Cannot give rewards: token ${id} of the reference is ${
        JSON.stringify(tokens![id])
      }, ${JSON.stringify(wanted![id])} is wanted as in the policy`,
    );
  }
}

function checkLength(
  { prefix, ids }: Encoded,
  { index, context }: { index: number; context: number },
): void {
  // The last token takes no room: nothing comes after it.
  if (prefix.length + ids.length <= context + 1) return;
  throw new RangeError(
    `Cannot give rewards: example ${index} has ${
      prefix.length + ids.length
    } tokens, at most ${context + 1} fit into the context`,
  );
}

/** Encodes chat and response as one text, and cuts it behind the chat. */
async function encode(
  tokenizer: Tokenizer,
  { messages, response }: RewardExample,
  { format = "halos", control, markers, eos = true, signal, template }:
    & RewardOptions
    & Pick<RenderChatOptions, "template">,
): Promise<Encoded> {
  const { rendered, prompt } = await composeChat(tokenizer, messages, {
    ...{ format, control, markers, signal, template },
    contextLength: Number.MAX_SAFE_INTEGER, // no turn may be dropped
  });
  const { bos, parts } = prompt;
  const whole = tokenizer.encodeParts([...parts, response], { bos });
  const { length } = rendered.ids;
  const ids = whole.slice(length);
  if (eos) ids.push(endOfSequence(tokenizer));
  if (ids.length === 0) {
    throw new RangeError(
      "Cannot give rewards: the response has no token, at least one is wanted",
    );
  }
  return { prefix: whole.slice(0, length), ids };
}

function endOfSequence({ eosId }: Tokenizer): number {
  if (eosId !== undefined) return eosId;
  throw new Error(
    "Cannot give rewards: the vocabulary has no end-of-sequence token, eos: false is wanted",
  );
}

/** Log-probabilities of all responses, those of one chat together. */
async function scoreAll(
  model: RewardModel,
  encoded: readonly Encoded[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const byPrefix = Map.groupBy(
    encoded.keys(),
    (i) => encoded[i]!.prefix.join(),
  );
  const sums: number[] = [];
  for (const places of byPrefix.values()) {
    const { prefix } = encoded[places[0]!]!;
    const responses = places.map((i) => encoded[i]!.ids);
    const scores = await model.score(prefix, responses, { signal });
    for (const [j, { loglikelihood }] of scores.entries()) {
      sums[places[j]!] = loglikelihood;
    }
  }
  return sums;
}
