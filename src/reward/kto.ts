import { checkBeta, type Reward, type RewardExample } from "./reward.ts";

/**
 * Pairs each chat with the answer of the next example, the last one with that of
 * the first: what {@linkcode ktoBaseline} is estimated from.
 *
 * @param examples A batch, at least two examples.
 * @returns As many examples, in the order of the chats.
 * @throws {RangeError} If there are fewer than two.
 */
export function mismatchedExamples(
  examples: readonly RewardExample[],
): RewardExample[] {
  if (examples.length < 2) {
    throw new RangeError(
      `Cannot mismatch answers: there are ${examples.length} examples, at least 2 are wanted`,
    );
  }
  return examples.map(({ messages }, i) => ({
    messages,
    response: examples[(i + 1) % examples.length]!.response,
  }));
}

/**
 * KTO's `z0`, how far a policy is from its reference at large:
 *
 *     max(0, mean of log policy(y' | x) - log reference(y' | x))
 *
 * @param mismatched Rewards of {@linkcode mismatchedExamples}.
 * @returns It, at least 0.
 * @throws {RangeError} If there are no rewards.
 */
export function ktoBaseline(
  mismatched: readonly Pick<Reward, "logRatio">[],
): number {
  if (mismatched.length === 0) {
    throw new RangeError(
      "Cannot estimate z0: there are no rewards, at least one is wanted",
    );
  }
  const sum = mismatched.reduce((sum, { logRatio }) => sum + logRatio, 0);
  return Math.max(0, sum / mismatched.length);
}

/** Options for {@linkcode ktoLoss}. */
export interface KtoOptions {
  /** From {@linkcode ktoBaseline}. */
  z0: number;
  /** Whether the response is one that is wanted. */
  desirable: boolean;
  /** What log-ratios are multiplied with. Defaults to `0.1`. */
  beta?: number | undefined;
  /** What the loss is multiplied with. Defaults to `1`. */
  weight?: number | undefined;
}

/**
 * KTO's loss of one response (Ethayarajh et al. 2024):
 *
 *     desirable    weight (1 - sigmoid(beta (logRatio - z0)))
 *     undesirable  weight (1 - sigmoid(beta (z0 - logRatio)))
 *
 * @example
 * ```ts
 * import { ktoBaseline, ktoLoss, loadModel, mismatchedExamples } from "@seraph/seraph";
 *
 * const file = "models/stories260k-f32.gguf";
 * await using policy = await loadModel(file);
 * await using reference = await loadModel(file);
 * const messages = [{ role: "user", content: "Hi" }] as const;
 * const examples = [
 *   { messages, response: "Hello!" },
 *   { messages, response: "Go away." },
 * ];
 * const others = mismatchedExamples(examples);
 * const z0 = ktoBaseline(await policy.reward(reference, others));
 * const rewards = await policy.reward(reference, examples);
 * const losses = rewards.map((reward, i) =>
 *   ktoLoss(reward, { z0, desirable: i === 0 })
 * );
 * ```
 *
 * @param reward The response's.
 * @param options Whether it is wanted.
 * @returns The loss, between 0 and the weight.
 * @throws {RangeError} If beta is no positive number.
 */
export function ktoLoss(
  { logRatio }: Pick<Reward, "logRatio">,
  { z0, desirable, beta = 0.1, weight = 1 }: KtoOptions,
): number {
  checkBeta("give a loss", beta);
  const difference = desirable ? logRatio - z0 : z0 - logRatio;
  // 1 - sigmoid(x) = sigmoid(-x), which keeps its digits where it is small.
  return weight / (1 + Math.exp(beta * difference));
}
