import { assertEquals, assertThrows } from "@std/assert";
import { Command, CommanderError } from "commander";
import { readSettings } from "../src/generate/samplers/settings.ts";
import {
  type SamplingFlags,
  samplingOptions,
  toSamplingOptions,
} from "./sampling_options.ts";

/** The options of flags; what is not given is left out. */
function parse(...args: string[]) {
  const command = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const option of samplingOptions()) command.addOption(option);
  command.parse(args, { from: "user" });
  const options = toSamplingOptions(command.opts<SamplingFlags>());
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
}

Deno.test("samplingOptions() has a flag for each number", () => {
  const numbers = Object.keys(readSettings({})).filter((name) =>
    !["order", "drySequenceBreakers"].includes(name)
  );
  for (const name of [...numbers, "seed"]) {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    assertEquals(parse(`--${flag}`, "1"), { [name]: 1 });
  }
});

Deno.test("samplingOptions() parses lists, tokens and biases", () => {
  assertEquals(parse(), {});
  assertEquals(parse("--preset", "archangel"), { preset: "archangel" });
  assertEquals(parse("--samplers", "top-k, temperature,typ_p,topP"), {
    samplers: ["topK", "temperature", "typ_p", "topP"],
  });
  assertEquals(parse("--samplers", ""), { samplers: [] });
  assertEquals(parse("--ban", "12", "--ban", " the"), {
    bannedTokens: [12, " the"],
  });
  assertEquals(parse("--dry-breaker", "\n", "--dry-breaker", "x y"), {
    drySequenceBreakers: ["\n", "x y"],
  });
  const biases = ["12=-1.5", " a=2", "==3", "b=-inf", "7=-Infinity"];
  assertEquals(parse(...biases.flatMap((one) => ["--logit-bias", one])), {
    logitBias: [[12, -1.5], [" a", 2], ["=", 3], ["b", -Infinity], [
      7,
      -Infinity,
    ]],
  });
  assertEquals(parse("--repeat-last-n", "-1", "--top-n-sigma", "-1"), {
    repeatLastN: -1,
    topNSigma: -1,
  });
});

Deno.test("samplingOptions() refuses what is none of these", () => {
  const wrong = [
    ["--preset", "best"],
    ["--mirostat", "3"],
    ["--xtc-probability", "1.1"],
    ["--dry-multiplier", "-1"],
    ["--logit-bias", "12"],
    ["--logit-bias", "12="],
    ["--logit-bias", "=2"],
    ["--logit-bias", "12=x"],
  ];
  for (const args of wrong) {
    assertThrows(() => parse(...args), CommanderError);
  }
});
