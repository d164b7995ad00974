import type { SamplingOptions } from "./options.ts";

/**
 * Sampling options by name:
 *
 * - `"greedy"`: the most likely token;
 * - `"neutral"`: the model's own distribution;
 * - `"archangel"`: how the Archangel models were sampled when they were trained
 *   and judged: temperature 1, top-p 0.95, top-k 50;
 * - `"llama.cpp"`: what llama.cpp does unless it is told otherwise;
 * - `"creative"`: what the authors of min-p, XTC and DRY propose for stories.
 */
export type SamplingPreset =
  | "greedy"
  | "neutral"
  | "archangel"
  | "llama.cpp"
  | "creative";

/** The options of each preset. */
export const SAMPLING_PRESETS: Readonly<
  Record<SamplingPreset, Readonly<SamplingOptions>>
> = {
  greedy: { temperature: 0 },
  neutral: { temperature: 1 },
  archangel: { temperature: 1, topK: 50, topP: 0.95 },
  "llama.cpp": { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 },
  creative: {
    temperature: 1,
    minP: 0.02,
    xtcProbability: 0.5,
    dryMultiplier: 0.8,
  },
};

/**
 * Fills options in from their preset.
 *
 * @param options The options.
 * @returns Those of the preset, and over them those that are given.
 * @throws {TypeError} If there is no such preset.
 */
export function withPreset(options: SamplingOptions): SamplingOptions {
  const { preset } = options;
  if (preset === undefined) return options;
  if (!Object.hasOwn(SAMPLING_PRESETS, preset)) {
    throw new TypeError(
      `Cannot sample: preset is "${preset}", one of ${
        Object.keys(SAMPLING_PRESETS).join(", ")
      } is wanted`,
    );
  }
  const given = Object.entries(options).filter(([, value]) =>
    value !== undefined
  );
  return { ...SAMPLING_PRESETS[preset], ...Object.fromEntries(given) };
}
