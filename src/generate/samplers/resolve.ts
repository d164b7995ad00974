import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { biasEntries } from "./biases.ts";
import { breakerSequences, DEFAULT_BREAKERS } from "./dry_breakers.ts";
import type { SamplingOptions } from "./options.ts";
import { withPreset } from "./presets.ts";
import { readSettings } from "./settings.ts";
import { TokenTexts } from "./token_texts.ts";

/**
 * Turns the texts among sampling options into ids, as an engine never sees text.
 *
 * @param options Any options, sampling options among them.
 * @param tokenizer The model's tokenizer.
 * @returns The same options; biases, bans and breakers are ids.
 * @throws {RangeError} If a text is no token, an id is out of range, no token is
 * left to choose, or an option is out of its range.
 * @throws {TypeError} If there is no such preset or sampler, or two options
 * contradict each other.
 */
export function resolveSampling<T extends SamplingOptions>(
  options: T,
  tokenizer: Tokenizer,
): T {
  const { order } = readSettings(options);
  const entries = biasEntries(withPreset(options));
  if (entries.length === 0 && !order.includes("dry")) return options;
  let texts: TokenTexts | undefined;
  const textsOf = () => texts ??= new TokenTexts(tokenizer);
  const logitBias = entries.flatMap(([token, bias]): [number, number][] => {
    const ids = typeof token === "string" ? textsOf().idsOf(token) : [token];
    return ids.map((id) => [id, bias]);
  });
  checkBiases(logitBias, tokenizer.size);
  return {
    ...options,
    logitBias,
    bannedTokens: undefined,
    drySequenceBreakers: order.includes("dry")
      ? resolveBreakers(options, tokenizer, textsOf)
      : undefined,
  };
}

function checkBiases(
  biases: readonly (readonly [id: number, bias: number])[],
  size: number,
): void {
  const banned = new Set<number>();
  for (const [id, bias] of biases) {
    if (!Number.isInteger(id) || id < 0 || id >= size) {
      throw new RangeError(
        `Cannot sample: a token is ${id}, an integer from 0 to ${
          size - 1
        } is wanted`,
      );
    }
    if (bias === -Infinity) banned.add(id);
  }
  if (banned.size === size) {
    throw new RangeError(
      `Cannot sample: all ${size} tokens are banned, one that is not is wanted`,
    );
  }
}

function resolveBreakers(
  { drySequenceBreakers = DEFAULT_BREAKERS }: SamplingOptions,
  tokenizer: Tokenizer,
  texts: () => TokenTexts,
): (readonly number[])[] {
  return drySequenceBreakers.flatMap((one) => {
    if (typeof one === "string") {
      return breakerSequences(one, tokenizer, texts());
    }
    if (one.length > 0) return [one];
    throw new RangeError(
      "Cannot sample: a breaker has no ids, at least one is wanted",
    );
  });
}
