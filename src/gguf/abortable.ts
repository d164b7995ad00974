import type { ByteSource } from "./source.ts";

/**
 * Lets a signal stop what reads a source.
 *
 * @param source The source; disposing of the result disposes of it.
 * @param signal Once it is aborted, reading throws its reason. Defaults to none.
 * @returns The source, as long as it is not.
 */
export function abortable(
  source: ByteSource,
  signal: AbortSignal | undefined,
): ByteSource {
  if (signal === undefined) return source;
  return {
    label: source.label,
    size: source.size,
    parts: source.parts,
    async readInto(target, offset) {
      signal.throwIfAborted();
      await source.readInto(target, offset);
      signal.throwIfAborted();
    },
    async prepare() {
      signal.throwIfAborted();
      await source.prepare?.();
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
