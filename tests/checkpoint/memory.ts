import { openSource } from "../../src/gguf/source.ts";
import type { Checkpoint } from "../../src/sources/checkpoint.ts";

/** A checkpoint that lies in memory. */
export function memoryCheckpoint(
  files: Readonly<Record<string, string | Uint8Array | object>>,
): Checkpoint {
  const encoder = new TextEncoder();
  const contents = new Map(
    Object.entries(files).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? value : encoder.encode(
        typeof value === "string" ? value : JSON.stringify(value),
      ),
    ]),
  );
  return {
    label: "memory",
    files: new Map(
      Array.from(contents, ([name, { length }]) => [name, length]),
    ),
    async open(name) {
      const bytes = contents.get(name);
      if (bytes === undefined) throw new Error(`it has no file "${name}"`);
      return await openSource(bytes);
    },
    readText(name) {
      const bytes = contents.get(name);
      return Promise.resolve(bytes && new TextDecoder().decode(bytes));
    },
    prepare: () => Promise.resolve(),
  };
}
