import { type PromptOptions, runPrompt } from "./prompts.ts";
import type { Runner } from "./runner.ts";

/**
 * The steps of a sequence that choose among some tokens. Pass and choice are
 * submitted together, or apart, so that the CPU finds out which tokens may come
 * while the GPU is at the pass.
 */
export class MaskedSteps {
  readonly #runner: Runner;

  /**
   * Creates {@linkcode MaskedSteps}.
   *
   * @param runner The sequence's.
   */
  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /**
   * Compiles and allocates what they need, before the first one.
   *
   * @throws {GpuMemoryError} If the GPU has no room; the sequence stays as it is.
   */
  async prepare(): Promise<void> {
    await this.#runner.chooser.prepareMask();
  }

  /**
   * Appends a prompt and keeps the logits behind it for
   * {@linkcode MaskedSteps.choose}, without waiting for them.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async keepPrompt(
    ids: readonly number[],
    options: PromptOptions = {},
  ): Promise<void> {
    const read = () => Promise.resolve();
    await runPrompt(this.#runner, ids, { then: "keep", read, ...options });
  }

  /**
   * Appends tokens as steps and keeps the logits behind them, without waiting
   * for them.
   *
   * @param ids The tokens: more than one where the model is wide, at most
   * `MAX_STEPS`.
   */
  keep(ids: readonly number[]): void {
    this.#runner.step(ids, { then: "keep" });
  }

  /**
   * Chooses a token of those that may come, by the logits that were kept.
   *
   * @param allowed A bit for each token, `[ceil(tokens / 32)]`.
   * @param chosen Tokens that were chosen before it.
   * @returns The token's id.
   */
  async choose(
    allowed: Uint32Array<ArrayBuffer>,
    chosen: number,
  ): Promise<number> {
    const { chooser, results, length } = this.#runner;
    this.#runner.checkAlive();
    const target = results.idsBuffer;
    chooser.chooseAmong(allowed, { position: length, chosen, target });
    const [id] = await results.ids(1);
    return id!;
  }

  /**
   * Appends tokens as steps and goes on with what is chosen of those that may
   * come, of the same ones at each step.
   *
   * @param ids The tokens: more than one where the model is wide, at most
   * `MAX_STEPS`.
   * @param allowed A bit for each token, `[ceil(tokens / 32)]`.
   * @param options How many tokens are chosen, and how many were before.
   * @returns The tokens that were chosen; all but the last are in the cache.
   */
  async step(
    ids: readonly number[],
    allowed: Uint32Array<ArrayBuffer>,
    { count, chosen }: { count: number; chosen: number },
  ): Promise<number[]> {
    const { cache, chooser, results } = this.#runner;
    this.#runner.checkAlive();
    chooser.masked.allow(allowed);
    this.#runner.chosen = chosen;
    this.#runner.step(ids, { then: "choose", isMasked: true, steps: count });
    const next = await results.ids(count);
    cache.rows.appendSteps(next.slice(0, -1));
    return next;
  }
}
