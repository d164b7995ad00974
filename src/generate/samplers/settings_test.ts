import { assertEquals, assertThrows } from "@std/assert";
import { readSampling } from "../sampler.ts";
import type { SamplerName, SamplingOptions } from "./options.ts";
import { SAMPLING_PRESETS, type SamplingPreset } from "./presets.ts";
import { readSettings } from "./settings.ts";

Deno.test("readSettings() keeps llama.cpp's order, and leaves out what changes nothing", () => {
  assertEquals(readSettings({}).order, ["temperature"]);
  assertEquals(readSettings({ temperature: 1 }).order, []);
  const all: SamplingOptions = {
    temperature: 0.5,
    xtcProbability: 0.1,
    minP: 0.1,
    topP: 0.9,
    typicalP: 0.9,
    topK: 5,
    topNSigma: 2,
    dryMultiplier: 1,
    repeatPenalty: 1.1,
  };
  const order: SamplerName[] = [
    "penalties",
    "dry",
    "topNSigma",
    "topK",
    "typicalP",
    "topP",
    "minP",
    "xtc",
    "temperature",
  ];
  assertEquals(readSettings(all).order, order);
  const idle: [SamplingOptions, string][] = [
    [{ repeatLastN: 0 }, "penalties"],
    [{ dryPenaltyLastN: 0 }, "dry"],
    [{ dryBase: 0.9 }, "dry"],
    [{ dryMultiplier: 0 }, "dry"],
    [{ topNSigma: 0 }, "topNSigma"],
    [{ topNSigma: -1 }, "topNSigma"],
    [{ topK: 0 }, "topK"],
    [{ typicalP: 1 }, "typicalP"],
    [{ topP: 1 }, "topP"],
    [{ minP: 0 }, "minP"],
    [{ xtcProbability: 0 }, "xtc"],
    [{ xtcThreshold: 0.51 }, "xtc"],
    [{ temperature: 1 }, "temperature"],
  ];
  for (const [options, name] of idle) {
    assertEquals(
      readSettings({ ...all, ...options }).order,
      order.filter((one) => one !== name),
    );
  }
});

Deno.test("readSettings() takes the samplers that are named, in their order", () => {
  const all = { topK: 5, topP: 0.9, typicalP: 0.9, minP: 0.1, topNSigma: 1 };
  assertEquals(
    readSettings({ ...all, samplers: ["temperature", "minP", "topK"] }).order,
    ["temperature", "minP", "topK"],
  );
  assertEquals(
    readSettings({
      ...all,
      samplers: ["top_n_sigma", "typ_p", "min_p", "top_k", "top_p"],
    }).order,
    ["topNSigma", "typicalP", "minP", "topK", "topP"],
  );
  assertEquals(readSettings({ ...all, samplers: [] }).order, []);
});

Deno.test("readSettings() has llama.cpp's defaults for what an option leaves open", () => {
  const settings = readSettings({});
  const { dryBase, dryAllowedLength, dryPenaltyLastN } = settings;
  assertEquals([dryBase, dryAllowedLength, dryPenaltyLastN], [1.75, 2, 64]);
  const { mirostatTau, mirostatEta, xtcThreshold, repeatLastN } = settings;
  assertEquals([mirostatTau, mirostatEta], [5, 0.1]);
  assertEquals([xtcThreshold, repeatLastN], [0.1, 64]);
  assertEquals(settings.dynatempExponent, 1);
});

Deno.test("readSettings() refuses samplers and presets that there are not", () => {
  const wrong: [SamplingOptions, string][] = [
    [{ samplers: ["top" as "topK"] }, 'samplers has "top", of penalties, dry'],
    [{ samplers: ["constructor" as "topK"] }, 'samplers has "constructor"'],
    [{ samplers: ["topK", "top_k"] }, 'samplers has "top_k" twice'],
    [{ preset: "best" as "greedy" }, 'preset is "best", one of greedy, '],
    [{ preset: "toString" as "greedy" }, 'preset is "toString"'],
    [
      { mirostat: 1, temperature: 1, samplers: ["topK"] },
      "mirostat is 1, which has an order of its own",
    ],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => readSettings(options), TypeError, message);
  }
  const greedy = () => readSettings({ mirostat: 2 });
  assertThrows(greedy, RangeError, "mirostat is 2 and temperature is 0");
});

Deno.test("readSettings() refuses numbers out of their ranges", () => {
  const wrong: Record<string, unknown[]> = {
    dynatempRange: [-1, NaN, Infinity],
    dynatempExponent: [-1, NaN, Infinity],
    typicalP: [-0.1, 1.1, NaN],
    topNSigma: [NaN, Infinity],
    xtcProbability: [-0.1, 1.1, NaN],
    xtcThreshold: [-0.1, 1.1, NaN],
    minKeep: [-1, 0.5, NaN],
    mirostat: [-1, 3, 1.5, NaN],
    mirostatTau: [-1, NaN, Infinity],
    mirostatEta: [-1, NaN, Infinity],
    dryMultiplier: [-1, NaN, Infinity],
    dryBase: [-1, NaN, Infinity],
    dryAllowedLength: [-1, 1.5],
    dryPenaltyLastN: [-2, 1.5, NaN],
    topP: ["0.5"],
    temperature: ["0.5", true],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      assertThrows(
        () => readSettings({ [name]: value }),
        RangeError,
        `Cannot sample: ${name} is ${value}, `,
      );
    }
  }
});

Deno.test("readSampling() leaves to the CPU what the kernels do not cover", () => {
  const cases: [SamplingOptions, string | undefined][] = [
    [{}, undefined],
    [{ preset: "llama.cpp", repeatPenalty: 1.1 }, undefined],
    [{ temperature: 1, topK: 5, samplers: ["topK", "temperature"] }, undefined],
    [
      { temperature: 2, topK: 5, samplers: ["temperature", "topK"] },
      "samplers",
    ],
    // At temperature 1 there is nothing to do in front of it.
    [{ temperature: 1, topK: 5, samplers: ["temperature", "topK"] }, undefined],
    [{ topP: 0.5, minP: 0.1, samplers: ["minP", "topP"] }, "samplers"],
    [{ topP: 0.5, minKeep: 1 }, undefined],
    [{ topP: 0.5, minKeep: 2 }, "minKeep"],
    [{ topK: 5, minKeep: 2 }, undefined],
    [{ dryMultiplier: 1 }, "dryMultiplier"],
    [{ dryMultiplier: 1, samplers: ["topK"] }, undefined],
    [{ xtcProbability: 0.5 }, "xtcProbability"],
    [{ typicalP: 0.5 }, "typicalP"],
    [{ topNSigma: 1 }, "topNSigma"],
    [{ temperature: 1, dynatempRange: 0.5 }, "dynatempRange"],
    [{ dynatempRange: 0.5, samplers: [] }, undefined],
    [{ temperature: 1, mirostat: 1 }, "mirostat"],
    [{ logitBias: { 1: 2 } }, undefined],
  ];
  for (const [options, expected] of cases) {
    assertEquals(readSampling(options).uncovered, expected);
  }
});

Deno.test("readSampling() fills in from the preset what is not given", () => {
  const rule = (options: SamplingOptions) =>
    readSampling({ seed: 1, ...options });
  assertEquals(
    rule({ preset: "archangel" }),
    rule({ temperature: 1, topK: 50, topP: 0.95 }),
  );
  assertEquals(
    rule({ preset: "llama.cpp" }),
    rule({ temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 }),
  );
  assertEquals(rule({ preset: "greedy" }), rule({}));
  assertEquals(
    rule({ preset: "archangel", topK: 3, topP: undefined }),
    rule({ temperature: 1, topK: 3, topP: 0.95 }),
  );
  assertEquals(
    rule({ preset: "archangel", temperature: 0 }).seed,
    undefined,
  );
  for (const preset of Object.keys(SAMPLING_PRESETS) as SamplingPreset[]) {
    assertEquals(rule({ preset }), rule(SAMPLING_PRESETS[preset]));
  }
});

Deno.test("readSampling() tells a seed where something is left to chance", () => {
  const cases: [SamplingOptions, boolean][] = [
    [{}, false],
    [{ temperature: 1 }, true],
    [{ samplers: ["topK"] }, true],
    [{ samplers: ["topK", "temperature"] }, false],
    [{ dynatempRange: 1 }, true],
    [{ dryMultiplier: 1 }, false],
    [{ xtcProbability: 0.5 }, true],
    [{ xtcProbability: 1 }, false],
  ];
  for (const [options, isChance] of cases) {
    const { seed } = readSampling({ ...options, seed: 4 });
    assertEquals(seed, isChance ? 4 : undefined, JSON.stringify(options));
  }
});
