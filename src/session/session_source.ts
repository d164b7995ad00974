import type { SamplerState } from "../generate/sampler.ts";
import type {
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
}

/** Options for {@linkcode SessionSource}. */
export interface SessionSourceOptions extends ShiftOptions {
  /** Runs the model. */
  source: TimelineSource;
  /** What is done where the context is full. */
  onFull: OnFull;
  /** The session enters a generation, and leaves it. */
  begin: () => Promise<SessionState & { timeline: number }>;
  /** Its tokens have been shifted. */
  onShift: (state: SessionState) => void;
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
    _ids: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void> {
    const { source, contextLength, begin, end } = this.#options;
    const { timeline, ...start } = await begin();
    try {
      let state = start;
      let samplerState: SamplerState | undefined;
      for (let left = options.maxTokens;;) {
        if (state.ids.length > contextLength) state = this.#makeRoom(state);
        const { ids, promptLength, firstStep } = state;
        const room = contextLength - ids.length + 1;
        const chosen: number[] = [];
        const chunks = source.generate(ids, {
          ...options,
          ...{ timeline, promptLength, firstStep, samplerState },
          maxTokens: Math.min(left, room),
        });
        for await (const chunk of chunks) {
          chosen.push(...chunk.ids);
          samplerState = chunk.samplerState;
          yield chunk;
        }
        left -= chosen.length;
        if (left <= 0) return;
        state = {
          ids: [...ids, ...chosen],
          promptLength,
          firstStep: firstStep + chosen.length,
        };
      }
    } finally {
      end();
    }
  }

  /** Shifts a text that is longer than its context, or says that it is. */
  #makeRoom({ ids, firstStep }: SessionState): SessionState {
    const { onFull, onShift, contextLength } = this.#options;
    if (onFull !== "shift") {
      throw new RangeError(
        `Cannot go on with session: it has ${ids.length} tokens, at most ${contextLength} fit into the context`,
      );
    }
    const shifted = shiftIds(ids, this.#options);
    // All that is left runs again: as a text that begins there would.
    const state = { ids: shifted, promptLength: shifted.length, firstStep };
    onShift(state);
    return state;
  }
}
