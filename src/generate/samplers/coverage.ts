import type { SamplerName, SamplingOptions } from "./options.ts";
import type { SamplingSettings } from "./settings.ts";

/** The samplers that the kernels have, in their order. */
const GPU_ORDER: readonly SamplerName[] = [
  "penalties",
  "topK",
  "topP",
  "minP",
  "temperature",
];

/** The option that a sampler of the CPU is asked for by. */
const CPU_SAMPLERS: Partial<Record<SamplerName, keyof SamplingOptions>> = {
  dry: "dryMultiplier",
  topNSigma: "topNSigma",
  typicalP: "typicalP",
  xtc: "xtcProbability",
};

/**
 * Tells what of the settings the kernels do not cover.
 *
 * @param settings The settings.
 * @returns An option that takes the CPU, `undefined` where none does.
 */
export function uncoveredBy(
  { order, mirostat, dynatempRange, minKeep }: SamplingSettings,
): keyof SamplingOptions | undefined {
  if (mirostat !== 0) return "mirostat";
  for (const name of order) {
    const option = CPU_SAMPLERS[name];
    if (option !== undefined) return option;
  }
  if (order.includes("temperature") && dynatempRange > 0) {
    return "dynatempRange";
  }
  const keeps = order.includes("topP") || order.includes("minP");
  if (keeps && minKeep > 1) return "minKeep";
  const places = order.map((name) => GPU_ORDER.indexOf(name));
  const isAscending = places.every((place, i) =>
    i === 0 || place > places[i - 1]!
  );
  return isAscending ? undefined : "samplers";
}
