import { BANNED, type Biases } from "../../kernels/bias.ts";
import { checkList } from "./check.ts";
import type { LogitBias, SamplingOptions } from "./options.ts";

/** Most that can be added to a logit. */
const MAX_BIAS = 1e6;

/** A token by its id or its text, and what is added to its logit. */
export type BiasEntry = readonly [token: number | string, bias: number];

/**
 * The biases of options, in whatever form they are given.
 *
 * @param options The options.
 * @returns Each token with its bias, bans included; one may come several times.
 * @throws {RangeError} If a bias is out of range.
 * @throws {TypeError} If a token is neither a number nor a string, or the options
 * are no lists.
 */
export function biasEntries(
  { logitBias = [], bannedTokens = [] }: SamplingOptions,
): BiasEntry[] {
  checkList("bannedTokens", bannedTokens);
  if (Object(logitBias) !== logitBias) {
    throw new TypeError(
      `Cannot sample: logitBias is ${
        JSON.stringify(logitBias)
      }, an object is wanted`,
    );
  }
  const entries: BiasEntry[] = [
    ...pairsOf(logitBias),
    ...bannedTokens.map((token): BiasEntry => [token, -Infinity]),
  ];
  for (const [token, bias] of entries) {
    if (typeof token !== "number" && typeof token !== "string") {
      throw new TypeError(
        `Cannot sample: a token is ${String(token)}, an id or a text is wanted`,
      );
    }
    if (bias === -Infinity) continue;
    if (typeof bias === "number" && Math.abs(bias) <= MAX_BIAS) continue;
    throw new RangeError(
      `Cannot sample: the bias of ${
        JSON.stringify(token)
      } is ${bias}, a number from -${MAX_BIAS} to ${MAX_BIAS} or -Infinity is wanted`,
    );
  }
  return entries;
}

function pairsOf(bias: LogitBias): Iterable<BiasEntry> {
  if (Symbol.iterator in bias) {
    return Array.from(bias as Iterable<BiasEntry>, (pair) => {
      if (Array.isArray(pair)) return pair as unknown as BiasEntry;
      throw new TypeError(
        `Cannot sample: logitBias has ${
          JSON.stringify(pair)
        }, a pair of a token and its bias is wanted`,
      );
    });
  }
  // Keys of objects are texts, also those that were numbers.
  return Object.entries(bias).map(([key, value]): BiasEntry => [
    /^\d+$/.test(key) ? Number(key) : key,
    value,
  ]);
}

/**
 * The biases of options as the kernels have them.
 *
 * @param options The options, in which texts are resolved already.
 * @returns The biases, `undefined` where there are none.
 * @throws {RangeError} If a bias or an id is out of range.
 * @throws {TypeError} If a token is a text.
 */
export function readBiases(options: SamplingOptions): Biases | undefined {
  const sums = new Map<number, number>();
  for (const [token, bias] of biasEntries(options)) {
    if (typeof token === "string") {
      throw new TypeError(
        `Cannot sample: the text ${
          JSON.stringify(token)
        } is given a bias, ids are wanted here`,
      );
    }
    if (!Number.isInteger(token) || token < 0) {
      throw new RangeError(
        `Cannot sample: a token is ${token}, an integer from 0 on is wanted`,
      );
    }
    sums.set(token, (sums.get(token) ?? 0) + bias);
  }
  if (sums.size === 0) return undefined;
  return {
    ids: Uint32Array.from(sums.keys()),
    values: Float32Array.from(sums.values(), (sum) => Math.max(sum, BANNED)),
  };
}
