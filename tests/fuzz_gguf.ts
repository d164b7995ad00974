import { assert, assertEquals } from "@std/assert";
import { inspectModel, loadTokenizer } from "../mod.ts";
import { openParts } from "../src/gguf/joined_source.ts";
import { layOutGguf } from "../src/gguf/layout.ts";
import {
  type GgufFile,
  type MetadataValue,
  readGguf,
} from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { planSplit } from "../src/gguf/split_file.ts";
import { readTypedGguf } from "../src/gguf/typed_reader.ts";
import { breakFields } from "./fuzz_fields.ts";
import { type FuzzFormat, isOurMessage } from "./fuzz_format.ts";
import { smallFiles } from "./gguf_mutate.ts";
import { makeModel } from "./models.ts";

/** Zeros in place of a model's tensor data, so that only headers are broken. */
const DATA_BYTES = 2 ** 15;

/** Files of one part: what is read can be written, and is the same then. */
export const GGUF: FuzzFormat = {
  name: "gguf",
  async seeds() {
    const files = smallFiles();
    const written = await Promise.all(files.map(writeAgain));
    return [...files, ...written, ...written.map((file) => file.slice(0, -9))];
  },
  async load(bytes) {
    checkFile(await readGguf(await openSource(bytes)), bytes.length);
    const source = await openSource(bytes);
    const { fields, tensors } = await readTypedGguf(source);
    const layout = await layOutGguf({ fields, tensors });
    const whole = new Uint8Array(layout.size);
    whole.set(layout.header);
    const again = await readTypedGguf(await openSource(whole));
    assertEquals(again.fields, fields);
    assertEquals(again.tensors, layout.tensors);
  },
};

/** Files of three parts, of which any may be broken. */
export const SPLIT_GGUF: FuzzFormat = {
  name: "split gguf",
  seeds: makeParts,
  async load(bytes) {
    const parts = await makeParts();
    const loads = parts.map((_, i) => loadParts(parts.with(i, bytes)));
    const results = await Promise.allSettled(loads);
    if (results.some(({ status }) => status === "fulfilled")) return;
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
  },
};

/** Models: whatever the metadata says, there is a model or a reason why not. */
export const MODEL: FuzzFormat = {
  name: "model",
  seeds() {
    const sizes = { dim: 8, hiddenDim: 8, heads: 2, kvHeads: 1, layers: 1 };
    const byteLevel = { merges: ["a b", "ab c", "Ġ a"], pre: "llama-bpe" };
    const models = [
      makeModel({ ...sizes, ropeFreqs: [1, 2] }),
      makeModel({ ...sizes, byteLevel, slidingWindow: 4 }),
    ];
    return Promise.all(models.map(headerOf));
  },
  async breakFile(file, random) {
    const source = await openSource(withData(file));
    return await breakFields(await readTypedGguf(source), random);
  },
  async load(bytes) {
    const file = withData(bytes);
    const { problem } = await inspectModel(file);
    if (problem !== null) assert(isOurMessage(problem), problem);
    const tokenizer = await loadTokenizer(file);
    const ids = tokenizer.encode("ab <|good|>é\n", { special: true });
    tokenizer.decode(ids, { special: true });
  },
};

async function loadParts(parts: readonly Uint8Array[]): Promise<void> {
  await using source = await openParts({
    label: "split.gguf",
    count: parts.length,
    open: (part) => openSource(parts[part - 1]!),
  });
  checkFile(await readGguf(source), source.size);
}

function withData(header: Uint8Array): Uint8Array {
  const file = new Uint8Array(header.length + DATA_BYTES);
  file.set(header);
  return file;
}

/** The header of a file, without what is between it and the data. */
async function headerOf(file: Uint8Array): Promise<Uint8Array> {
  const { headers } = await readTypedGguf(await openSource(file));
  return file.slice(0, headers[0]!.end);
}

async function writeAgain(file: Uint8Array): Promise<Uint8Array> {
  const { header, size } = await layOutGguf(
    await readTypedGguf(await openSource(file)),
  );
  const bytes = new Uint8Array(size);
  bytes.set(header);
  return bytes;
}

async function makeParts(): Promise<Uint8Array[]> {
  const file = await readTypedGguf(await openSource(smallFiles()[0]!));
  const parts = planSplit(file, { maxTensors: 1 });
  return await Promise.all(parts.map(async (plan) => {
    const { header, size } = await layOutGguf(plan);
    const bytes = new Uint8Array(size);
    bytes.set(header);
    return bytes;
  }));
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
