import { assertEquals } from "@std/assert";
import type {
  TimelineSource,
  TokenChunk,
  TokenOptions,
} from "../generate/tokens.ts";
import { SessionSource } from "./session_source.ts";

Deno.test("SessionSource hands on what samplers know where it shifts the text", async () => {
  const seen: (TokenOptions["samplerState"])[] = [];
  const source = {
    loadMs: 0,
    contextLength: 8,
    async *generate(
      _: readonly number[],
      { maxTokens, samplerState }: TokenOptions,
    ): AsyncGenerator<TokenChunk, void> {
      seen.push(samplerState);
      const mu = samplerState?.mu ?? 0;
      for (let i = 1; i <= maxTokens; i++) {
        yield { ids: [i], samplerState: { mu: mu + i } };
        await Promise.resolve();
      }
    },
  } as unknown as TimelineSource;
  const session = new SessionSource({
    source,
    onFull: "shift",
    contextLength: 8,
    sinks: 2,
    begin: () =>
      Promise.resolve({
        ids: [1, 2, 3, 4, 5, 6],
        promptLength: 6,
        firstStep: 0,
        timeline: 0,
      }),
    onShift: () => {},
    onState: () => {},
    end: () => {},
  });
  await Array.fromAsync(session.generate([], { maxTokens: 5 }));
  // First 3 tokens, of which the last takes no room, then the rest.
  assertEquals(seen, [undefined, { mu: 3 }]);
});
