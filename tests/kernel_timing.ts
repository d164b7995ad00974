import type { KernelTiming } from "../mod.ts";

/** A timing as a large GPU might have it. */
export const TIMING: KernelTiming = {
  device: "Some GPU",
  format: "IQ2_XXS",
  inputs: 13824,
  outputs: 5120,
  columns: 512,
  kind: "prompt",
  activations: "int8",
  variant: "4r.4u.256w.subgroups",
  seconds: {
    median: 1.25e-3,
    lowerQuartile: 1.2e-3,
    upperQuartile: 1.3e-3,
  },
  samples: 20,
  dispatches: 4,
  sets: 15,
  timing: "timestamps",
  fileBytes: 18247680,
  gpuBytes: 20000000,
  fileBytesPerSecond: 18247680 / 1.25e-3,
  gpuBytesPerSecond: 20000000 / 1.25e-3,
  flopsPerSecond: 57982058496,
  streamFraction: 0.0048,
  gpuStreamFraction: 0.0052,
  arithmeticFraction: 0.5567,
  flopsPerByte: 1295.5,
  error: 1.5e-5,
  ceilings: {
    streamBytesPerSecond: 3e12,
    fmaFlopsPerSecond: 58e12,
    dotFlopsPerSecond: 104e12,
  },
};
