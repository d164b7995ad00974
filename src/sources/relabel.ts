import type { ByteSource } from "../gguf/source.ts";

/**
 * Gives a source another name.
 *
 * @param source The source; disposing of the result disposes of it.
 * @param label What errors are to call it.
 * @returns The source under that name.
 */
export function relabel(source: ByteSource, label: string): ByteSource {
  return {
    label,
    size: source.size,
    readInto: (target, offset) => source.readInto(target, offset),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
