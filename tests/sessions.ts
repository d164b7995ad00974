import { loadModel, type LoadModelOptions, type Model } from "../mod.ts";
import { projectFile } from "./engine.ts";

/** The model of {@linkcode sessionTest}. */
export const STORIES = projectFile("models/stories260k-f32.gguf");
/** A prompt that it goes on with. */
export const PROMPT = "Once upon a time, there was a little";
/** A generation that does not end by itself. */
export const GREEDY = { ignoreEos: true } as const;

/** Runs a test with a model in this thread, and with one in a worker. */
export function sessionTest(
  name: string,
  test: (model: Model) => Promise<void>,
  options: LoadModelOptions = {},
): void {
  for (const worker of [false, true]) {
    Deno.test(`${name}${worker ? ", in a worker" : ""}`, async () => {
      await using model = await loadModel(STORIES, { ...options, worker });
      await test(model);
    });
  }
}
