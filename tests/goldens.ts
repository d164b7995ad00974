import { projectFile } from "./engine.ts";

/** One prompt, and what llama.cpp says of it. */
export interface GoldenRun {
  /** `"A"` (16 or 56 tokens) or `"B"` (167 or 266). */
  prompt: string;
  /** The prompt's tokens. */
  ids: number[];
  /** Sum of `nextLogprobs`. */
  loglikelihood: number;
  /** Of each token but the first, given those before it. */
  nextLogprobs: number[];
  /** The best next token after each one. */
  argmax: number[];
  /** How far its logit lies above the second best. */
  margin: number[];
  /** 64 tokens that continue the prompt, past any end of the text. */
  greedy: { ids: number[]; text: string; margin: number[] };
  /** File of the logits, where there are some: f32, `[positions, vocabulary]`. */
  logits?: string;
  /** `"last"` where the file has the last position alone. */
  logitsRows?: "last";
}

/** Reads the goldens of a model file; `fixtures/goldens/README.md` says more. */
export async function readGoldens(name: string): Promise<GoldenRun[]> {
  const file = projectFile(`tests/fixtures/goldens/${name}.json`);
  const { runs } = JSON.parse(await Deno.readTextFile(file));
  return runs;
}

/** Reads the logits that a golden names. */
export async function readLogits(name: string): Promise<Float32Array> {
  const file = projectFile(`tests/fixtures/goldens/${name}`);
  return new Float32Array((await Deno.readFile(file)).buffer);
}
