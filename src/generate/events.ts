import type { PromptProgress } from "../model/prompts.ts";
import type { Outcome } from "./decode.ts";
import type { GenerateOptions } from "./options.ts";
import type { GenerationResult, Piece } from "./result.ts";

/**
 * Something that happens while text is generated: a batch of the prompt is done;
 * the first token is there, so many ms after the start; a token is there, the first
 * one too; it ended, or its reader left; it failed, or its signal was aborted.
 *
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * await model.generate("One day", {
 *   maxTokens: 8,
 *   onEvent(event) {
 *     if (event.type === "first-token") console.log(`after ${event.ms} ms`);
 *     if (event.type === "finish") console.log(event.result.usage);
 *   },
 * }).result();
 * ```
 */
export type GenerationEvent =
  | ({ type: "prompt" } & PromptProgress)
  | { type: "first-token"; ms: number }
  | { type: "piece"; piece: Piece }
  | { type: "finish"; result: GenerationResult }
  | { type: "error"; error: unknown };

/** A generation that has yet to begin. */
export type StartGeneration = (
  options: GenerateOptions,
  outcome: Outcome,
) => AsyncGenerator<Piece, void>;

/**
 * Tells what happens in a generation. What is told last is `"finish"` or
 * `"error"`, before its reader gets it; what a listener throws ends it.
 *
 * @param start The generation.
 * @param onEvent Is told.
 * @returns The same generation.
 */
export function withEvents(
  start: StartGeneration,
  onEvent: (event: GenerationEvent) => void,
): StartGeneration {
  return async function* (options, { resolve, reject }) {
    const begin = performance.now();
    const onPrompt = (progress: PromptProgress) => {
      options.onPrompt?.(progress);
      onEvent({ type: "prompt", ...progress });
    };
    let isOver = false;
    /** Tells the outcome, which is settled by the first that comes. */
    const end = (event: GenerationEvent) => {
      if (!isOver) {
        isOver = true;
        onEvent(event);
      }
    };
    const outcome: Outcome = {
      resolve(result) {
        resolve(result);
        end({ type: "finish", result: result as GenerationResult });
      },
      reject(error) {
        reject(error);
        end({ type: "error", error });
      },
    };
    let isFirst = true;
    for await (const piece of start({ ...options, onPrompt }, outcome)) {
      if (isFirst) {
        onEvent({ type: "first-token", ms: performance.now() - begin });
      }
      isFirst = false;
      onEvent({ type: "piece", piece });
      yield piece;
    }
  };
}
