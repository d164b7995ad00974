/**
 * Breaks files of checkpoints at random and sees to it that each is read or
 * refused as promised: no crash, no second of waiting, no heap that grows.
 *
 *     deno run -A tests/fuzz_checkpoints.ts [--count 10000] [--seed 1]
 *       [--kind safetensors|pytorch|pickle|model|tokenizer|config]
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  fuzzCheckpoints,
  FUZZED,
  type FuzzOutcome,
} from "./checkpoint/fuzz.ts";

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      count: { ...text, default: "10000" },
      seed: { ...text, default: "1" },
      kind: text,
    },
  });
  const kinds = values.kind === undefined ? [...FUZZED.keys()] : [values.kind];
  for (const kind of kinds) {
    const outcome: FuzzOutcome = await fuzzCheckpoints(kind, {
      count: Number(values.count),
      seed: Number(values.seed),
    });
    const line = JSON.stringify({ kind, ...outcome }) + "\n";
    Deno.stdout.writeSync(new TextEncoder().encode(line));
  }
}
