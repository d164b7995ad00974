import { assert, assertEquals, assertLess } from "@std/assert";
import { mutate, seeded, smallFiles } from "../../tests/gguf_mutate.ts";
import { type GgufFile, type MetadataValue, readGguf } from "./reader.ts";
import { openSource } from "./source.ts";

const REAL_FILES = [
  "../../models/stories260k-f32.gguf",
  "../../tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf",
];

/** Reads bytes that may be broken: a valid file, or an error as promised. */
async function readBroken(bytes: Uint8Array): Promise<"read" | "refused"> {
  const start = performance.now();
  try {
    await using source = await openSource(bytes);
    checkFile(await readGguf(source), bytes.length);
    return "read";
  } catch (error) {
    assert(error instanceof Error);
    const classes: unknown[] = [RangeError, SyntaxError, TypeError];
    assert(classes.includes(error.constructor), error.stack);
    assert(error.message.startsWith('Cannot read "Uint8Array": '), error.stack);
    // What went wrong must be told by our own checks.
    assertEquals(error.cause, undefined, error.stack);
    return "refused";
  } finally {
    assertLess(performance.now() - start, 1000);
  }
}

function checkFile({ tensors, metadata }: GgufFile, size: number): void {
  for (const { name, shape, offset, bytes, elements } of tensors.values()) {
    assert(offset + bytes <= size, name);
    assertEquals(shape.reduce((product, dim) => product * dim, 1), elements);
  }
  for (const value of Object.values(metadata)) assert(isValue(value));
}

function isValue(value: MetadataValue): boolean {
  if (Array.isArray(value)) return value.every(isValue);
  return ["string", "number", "bigint", "boolean"].includes(typeof value);
}

for (const path of REAL_FILES) {
  Deno.test(`readGguf() reads or refuses 200 broken headers of ${path}`, async () => {
    const file = await Deno.readFile(new URL(path, import.meta.url));
    const head = file.subarray(0, 1024);
    const others = [head, ...smallFiles()];
    const random = seeded(2);
    for (let i = 0; i < 200; i++) {
      const broken = mutate(head, others, random);
      // Half of the files are cut after the head, half go on as they did.
      const rest = i % 2 === 0 ? [] : [file.subarray(head.length)];
      await readBroken(await concatenated([broken, ...rest]));
    }
  });
}

async function concatenated(
  parts: Uint8Array<ArrayBuffer>[],
): Promise<Uint8Array> {
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
