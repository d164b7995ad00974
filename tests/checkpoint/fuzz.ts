import { assert } from "@std/assert";
import { readPickle } from "../../src/convert/pickle.ts";
import { readPytorch } from "../../src/convert/pytorch.ts";
import {
  findTorchGlobal,
  loadStorage,
} from "../../src/convert/pytorch_objects.ts";
import { readCheckpointConfig } from "../../src/convert/config.ts";
import { parseJsonObject } from "../../src/convert/json.ts";
import { convertRope } from "../../src/convert/rope.ts";
import { readSafetensors } from "../../src/convert/safetensors.ts";
import { readSentencePiece } from "../../src/convert/sentencepiece_model.ts";
import type { CheckpointTensor } from "../../src/convert/tensor_file.ts";
import { readTokenizerFiles } from "../../src/convert/tokenizer_files.ts";
import { convertVocabulary } from "../../src/convert/vocabulary.ts";
import { openSource } from "../../src/gguf/source.ts";
import { mutate, seeded } from "../gguf_mutate.ts";
import { memoryCheckpoint } from "./memory.ts";
import { pickleOf, writePytorch } from "./pytorch.ts";
import { type MadeTensor, safetensorsHeader } from "./safetensors.ts";
import {
  type MadeVocabulary,
  sentencePieceModel,
  tokenizerJson,
} from "./tokenizer.ts";

/** A kind of files that is broken. */
interface Fuzzed {
  /** Whole files, which must be read. */
  files(): Promise<Uint8Array[]>;
  /** Reads a file that may be broken, and checks what comes of it. */
  read(bytes: Uint8Array): Promise<unknown>;
}

/** What came of breaking files. */
export interface FuzzOutcome {
  /** Broken files that were still files. */
  read: number;
  /** Broken files that were refused. */
  refused: number;
  /** The longest time of one, in milliseconds. */
  slowestMs: number;
  /** The largest resident memory seen, in MB. */
  residentMb: number;
}

const TENSORS: MadeTensor[] = [
  ["model.norm.weight", "F32", [4], 16],
  ["a.weight", "BF16", [2, 3], 12],
  ["b.weight", "F16", [8], 16],
  ["c", "I64", [1], 8],
].map(([name, dtype, shape, bytes]) => ({
  name: name as string,
  dtype: dtype as string,
  shape: shape as number[],
  bytes: bytes as number,
  data: () => [new Uint8Array(bytes as number)],
}));

const VOCABULARY: MadeVocabulary = {
  tokens: ["<unk>", "<s>", "</s>", "<0x00>", "a", "b", "▁", "ab", "▁ab"],
  scores: [0, 0, 0, 0, -2, -3, -4, 0, -1],
  types: [2, 3, 3, 6, 1, 1, 1, 1, 1],
};

const encoder = new TextEncoder();

/** The kinds of files, by name. */
export const FUZZED: ReadonlyMap<string, Fuzzed> = new Map<string, Fuzzed>([
  ["safetensors", {
    files() {
      const header = safetensorsHeader(TENSORS);
      const data = TENSORS.reduce((sum, { bytes }) => sum + bytes, 0);
      const file = new Uint8Array(header.length + data);
      file.set(header);
      return Promise.resolve([file, safetensorsHeader([])]);
    },
    read: (bytes) => readWeights(bytes, readSafetensors),
  }],
  ["pytorch", {
    async files() {
      const fixture = new URL(
        "../fixtures/checkpoints/torch_2_13.bin",
        import.meta.url,
      );
      const path = await Deno.makeTempFile();
      await writePytorch(path, TENSORS, { zip64: true });
      const made = await Deno.readFile(path);
      await Deno.remove(path);
      return [await Deno.readFile(fixture), made];
    },
    read: (bytes) => readWeights(bytes, readPytorch),
  }],
  ["pickle", {
    files: () => Promise.resolve([pickleOf(TENSORS)]),
    read: (bytes) =>
      Promise.resolve(readPickle(bytes, {
        label: "x",
        findGlobal: findTorchGlobal,
        load: loadStorage,
      })),
  }],
  ["model", {
    files: () => Promise.resolve([sentencePieceModel(VOCABULARY)]),
    read: (bytes) => Promise.resolve(readSentencePiece(bytes, "x")),
  }],
  ["tokenizer", {
    files: () =>
      Promise.resolve([
        encoder.encode(tokenizerJson(VOCABULARY, { "<|good|>": 9 })),
        encoder.encode(JSON.stringify({
          "added_tokens": [{ id: 2, content: "<e>", special: true }],
          "pre_tokenizer": { type: "ByteLevel", "add_prefix_space": false },
          model: { type: "BPE", vocab: { a: 0, ab: 1 }, merges: ["a b"] },
        })),
      ]),
    async read(bytes) {
      const checkpoint = memoryCheckpoint({
        "tokenizer.json": bytes,
        "tokenizer_config.json": { "bos_token": "<s>" },
      });
      return convertVocabulary({
        files: await readTokenizerFiles(checkpoint),
        size: 12,
        config: {},
        generation: {},
      });
    },
  }],
  ["config", {
    files: () =>
      Promise.resolve([encoder.encode(JSON.stringify({
        architectures: ["LlamaForCausalLM"],
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "vocab_size": 512,
        "rope_theta": 1e4,
        "rope_scaling": { "rope_type": "llama3", factor: 8 },
      }))]),
    read(bytes) {
      const text = new TextDecoder().decode(bytes);
      const json = parseJsonObject(text, { label: "x" });
      return Promise.resolve(convertRope(readCheckpointConfig(json, "x")));
    },
  }],
]);

async function readWeights(
  bytes: Uint8Array,
  read: (
    source: Awaited<ReturnType<typeof openSource>>,
  ) => Promise<CheckpointTensor[]>,
): Promise<void> {
  await using source = await openSource(bytes);
  for (const { name, offset, bytes: size } of await read(source)) {
    assert(offset >= 0 && size >= 0 && offset + size <= bytes.length, name);
  }
}

const CLASSES: readonly unknown[] = [Error, RangeError, SyntaxError, TypeError];

/**
 * Breaks files of a kind and reads each.
 *
 * @param kind The kind, one of {@linkcode FUZZED}.
 * @param options How many, and the seed of what is broken.
 * @returns What came of it.
 * @throws {Error} If a file was neither read nor refused as promised.
 */
export async function fuzzCheckpoints(
  kind: string,
  { count, seed }: { count: number; seed: number },
): Promise<FuzzOutcome> {
  const fuzzed = FUZZED.get(kind);
  if (fuzzed === undefined) throw new TypeError(`There is no kind "${kind}"`);
  const files = await fuzzed.files();
  for (const file of files) await fuzzed.read(file);
  const random = seeded(seed);
  const outcome = { read: 0, refused: 0, slowestMs: 0, residentMb: 0 };
  for (let i = 0; i < count; i++) {
    const broken = mutate(files[i % files.length]!, files, random);
    const start = performance.now();
    try {
      await fuzzed.read(broken);
      outcome.read++;
    } catch (error) {
      const isTyped = error instanceof Error &&
        CLASSES.includes(error.constructor) &&
        /^(?:Cannot |its )/.test(error.message) &&
        error.message.length < 2000;
      if (!isTyped) {
        throw new Error(`File ${i} of ${kind}, seed ${seed}: ${error}`, {
          cause: error,
        });
      }
      outcome.refused++;
    }
    const ms = performance.now() - start;
    outcome.slowestMs = Math.max(outcome.slowestMs, ms);
    if (ms > 1000) throw new Error(`File ${i} of ${kind} took ${ms} ms`);
    if (i % 100 > 0) continue;
    const resident = Deno.memoryUsage().rss / 1e6;
    outcome.residentMb = Math.max(outcome.residentMb, Math.round(resident));
    if (resident > 500) throw new Error(`${resident} MB after file ${i}`);
  }
  return outcome;
}
