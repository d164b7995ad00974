import type { SamplerState } from "../generate/sampler.ts";
import type {
  SpeculationStatistics,
  TimelineSource,
  TokenChunk,
  TokenOptions,
  TokenSource,
} from "../generate/tokens.ts";
import { shiftIds, type ShiftOptions } from "./shift.ts";

/** What is done where a session's context is full. */
export type OnFull = "stop" | "error" | "shift";

/** Where a session's next generation begins. */
export interface SessionState {
  /** Its tokens. */
  ids: readonly number[];
  /** How many of them run as a prompt: those behind them were chosen. */
  promptLength: number;
  /** Tokens that were chosen since something was appended. */
  firstStep: number;
  /** What samplers go on from, where they keep anything. */
  samplerState?: SamplerState | undefined;
}

/** Options for {@linkcode SessionSource}. */
export interface SessionSourceOptions extends ShiftOptions {
  /** Runs the model. */
  source: TimelineSource;
  /** What is done where the context is full. */
  onFull: OnFull;
  /**
   * The session enters a generation that was prepared for these tokens, and leaves
   * it.
   */
  begin: (
    ids: readonly number[],
  ) => Promise<SessionState & { timeline: number }>;
  /** Its tokens have been shifted. */
  onShift: (state: SessionState) => void;
  /** What samplers go on from, behind the tokens so far. */
  onState: (samplerState: SamplerState | undefined) => void;
  end: () => void;
}

/** Continues the timeline of a session, also beyond its context. */
export class SessionSource implements TokenSource {
  readonly #options: SessionSourceOptions;

  /**
   * Creates a {@linkcode SessionSource}.
   *
   * @param options The session.
   */
  constructor(options: SessionSourceOptions) {
    this.#options = options;
  }

  get loadMs(): number {
    return this.#options.source.loadMs;
  }

  /** Positions that a text can have: where it is shifted, any number. */
  get contextLength(): number {
    const { onFull, contextLength } = this.#options;
    return onFull === "stop" ? contextLength : Infinity;
  }

  async *generate(
    prompt: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void> {
    const { contextLength, begin, onState, end } = this.#options;
    const { timeline, ...start } = await begin(prompt);
    try {
      let state = this.#wantsRoom(start, options)
        ? this.#makeRoom(start)
        : start;
      const guesses = new GuessCount();
      let isFirst = true;
      for (let left = options.maxTokens;;) {
        if (state.ids.length > contextLength) state = this.#makeRoom(state);
        const { ids, firstStep, ...rest } = state;
        const room = contextLength - ids.length + 1;
        const chosen: number[] = [];
        let { samplerState } = rest;
        const chunks = this.#options.source.generate(ids, {
          ...options,
          ...{ timeline, firstStep, ...rest },
          echo: isFirst && options.echo,
          maxTokens: Math.min(left, room),
        });
        for await (const chunk of chunks) {
          chosen.push(...chunk.ids);
          samplerState = chunk.samplerState;
          onState(samplerState);
          // What is told once was told by the first round.
          const counted = guesses.add(chunk);
          const { reused: _reused, echoed: _echoed, ...later } = counted;
          yield isFirst ? counted : later;
        }
        guesses.endRound();
        isFirst = false;
        left -= chosen.length;
        // Half of a text of a grammar cannot be gone on with.
        if (left <= 0 || options.grammar !== undefined) return;
        state = {
          ids: [...ids, ...chosen],
          promptLength: rest.promptLength,
          firstStep: firstStep + chosen.length,
          samplerState,
        };
      }
    } finally {
      end();
    }
  }

  /** Whether a text that cannot be shifted later has to be shifted now. */
  #wantsRoom(
    { ids }: SessionState,
    { grammar, maxTokens }: TokenOptions,
  ): boolean {
    const { onFull, contextLength, sinks } = this.#options;
    if (grammar === undefined || onFull !== "shift") return false;
    const most = contextLength - ids.length + 1;
    return most < Math.min(maxTokens, Math.floor((contextLength - sinks) / 2));
  }

  /** Shifts a text that is longer than its context, or says that it is. */
  #makeRoom({ ids, ...rest }: SessionState): SessionState {
    const { onFull, onShift, contextLength } = this.#options;
    if (onFull !== "shift") {
      throw new RangeError(
        `Cannot go on with session: it has ${ids.length} tokens, at most ${contextLength} fit into the context`,
      );
    }
    const shifted = shiftIds(ids, this.#options);
    // All that is left runs again: as a text that begins there would.
    const state = { ...rest, ids: shifted, promptLength: shifted.length };
    onShift(state);
    return state;
  }
}

/** Adds up how guesses went over several rounds. */
class GuessCount {
  #before: SpeculationStatistics | undefined;
  #now: SpeculationStatistics | undefined;

  /** The chunk, with the guesses of all rounds so far. */
  add(chunk: TokenChunk): TokenChunk {
    const { speculation } = chunk;
    if (speculation === undefined) return chunk;
    const { passes = 0, guessed = 0, accepted = 0 } = this.#before ?? {};
    this.#now = {
      passes: passes + speculation.passes,
      guessed: guessed + speculation.guessed,
      accepted: accepted + speculation.accepted,
    };
    return { ...chunk, speculation: this.#now };
  }

  /** The next chunk counts from nothing. */
  endRound(): void {
    this.#before = this.#now;
  }
}
