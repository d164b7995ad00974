import type { RopeScalingOptions } from "../mod.ts";
import type { RopeAngles } from "../src/kernels/oracle.ts";

/** What {@linkcode ropeAngles} reads. */
export interface RopeSource {
  /** A number of `llama.rope.<name>`. */
  number(name: string): number | undefined;
  /** The text `llama.rope.scaling.type`. */
  type: string | undefined;
  /** A vector of the file. */
  vector(name: string): ArrayLike<number> | undefined;
  /** Positions that the file names, and those in use. */
  trained: number;
  context: number;
  /** Dimensions that are rotated. */
  dims: number;
}

/**
 * The angles of a model's rotary embedding, each way written from its paper or,
 * where there is none, the code that came with the model; no line is shared with
 * the engine.
 *
 * @param source The file.
 * @param options What takes the place of what it says.
 * @returns The angles, without a position.
 */
export function ropeAngles(
  { number, type: fileType = "none", vector, trained, context, dims }:
    RopeSource,
  options: RopeScalingOptions = {},
): Omit<RopeAngles, "position"> {
  const { type = fileType } = options;
  const base = options.base ?? number("freq_base") ?? 10000;
  const factor = options.factor ?? number("scaling.factor") ?? 1;
  const original = options.originalContext ??
    number("scaling.original_context_length") ?? trained;
  const magnitude = options.attentionFactor ?? number("scaling.attn_factor") ??
    1;
  const tensor = vector("rope_freqs.weight");
  const own = (pair: number) => tensor?.[pair] ?? 1;
  const pairs = Array.from({ length: dims / 2 }, (_, pair) => pair);
  /** Positions of a whole turn. */
  const wavelength = (pair: number) => 2 * Math.PI * base ** (2 * pair / dims);
  const angles = { dims, base, magnitude };

  switch (type) {
    case "none":
      return { ...angles, frequencyFactors: pairs.map(own) };
    case "linear":
      return { ...angles, factor, frequencyFactors: pairs.map(own) };
    case "ntk":
      return {
        ...angles,
        base: base * factor ** (dims / (dims - 2)),
        frequencyFactors: pairs.map(own),
      };
    case "longrope": {
      const name = context > original ? "long" : "short";
      return {
        ...angles,
        frequencyFactors: vector(`rope_factors_${name}.weight`)!,
      };
    }
    case "llama3": {
      const low = options.lowFrequencyFactor ??
        number("scaling.low_freq_factor")!;
      const high = options.highFrequencyFactor ??
        number("scaling.high_freq_factor")!;
      return {
        ...angles,
        frequencyFactors: pairs.map((pair) => {
          const length = wavelength(pair);
          if (length < original / high) return 1;
          if (length > original / low) return factor;
          const smooth = (original / length - low) / (high - low);
          return 1 / ((1 - smooth) / factor + smooth);
        }),
      };
    }
    case "yarn": {
      const fast = options.betaFast ?? number("scaling.yarn_beta_fast") ?? 32;
      const slow = options.betaSlow ?? number("scaling.yarn_beta_slow") ?? 1;
      const spare = options.extensionFactor ??
        number("scaling.yarn_ext_factor") ?? 1;
      // The pair whose wavelength goes so often into the original context.
      const pairOf = (turns: number) =>
        Math.log(original / turns / (2 * Math.PI)) / Math.log(base) * dims / 2;
      const from = Math.max(0, Math.floor(pairOf(fast)));
      const to = Math.min(dims - 1, Math.ceil(pairOf(slow)));
      return {
        ...angles,
        magnitude: magnitude * (0.1 * Math.log(factor) + 1),
        frequencyFactors: pairs.map((pair) => {
          const ramp = pair <= from
            ? 0
            : pair >= to
            ? 1
            : (pair - from) / (to - from);
          const kept = (1 - ramp) * spare;
          return own(pair) / (kept + (1 - kept) / factor);
        }),
      };
    }
    default:
      throw new Error(`The oracle knows no RoPE scaling "${type}"`);
  }
}
