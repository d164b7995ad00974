/**
 * Holds tokenizers against goldens of another engine, and prints a line for each.
 *
 *     deno run -A tests/tokenizers.ts FOLDER [NAME ...]
 *
 * A golden `NAME.json` belongs to the vocabulary `NAME.gguf`; its `tests` have a
 * text each, with its ids in four ways, and their pieces and decoded text in hex.
 * Decoded texts are compared with spaces cleaned as llama.cpp does it.
 *
 * `llama-spm-user-defined.json` belongs to `ggml-vocab-llama-spm.gguf` with the
 * user-defined tokens `<|good|>` and `<|bad|>` behind.
 *
 * @module
 */

import { Tokenizer } from "../mod.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import type { TokenizerGolden } from "./vocabularies.ts";

const USER_DEFINED = "llama-spm-user-defined";

const [folder, ...names] = Deno.args;
if (folder === undefined) {
  throw new TypeError("Cannot compare: a folder is wanted");
}
let failed = 0;
for (const name of names.length > 0 ? names : listGoldens(folder)) {
  failed += await compare(folder, name);
}
Deno.exit(failed > 0 ? 1 : 0);

function listGoldens(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter((entry) => entry.isFile && entry.name.endsWith(".json"))
    .map((entry) => entry.name.slice(0, -5))
    .sort();
}

/** Compares one vocabulary. Returns the number of texts that differ. */
async function compare(folder: string, name: string): Promise<number> {
  const { tests } = JSON.parse(
    await Deno.readTextFile(`${folder}/${name}.json`),
  ) as { tests: TokenizerGolden[] };
  const start = performance.now();
  const tokenizer = await load(folder, name);
  const loadMs = performance.now() - start;
  const differing = tests.filter((golden) => !agrees(tokenizer, golden));
  for (const { text } of differing) {
    print(`${name}: ${JSON.stringify(text)} differs`);
  }
  const { tokens, byteLevel } = tokenizer.vocabulary;
  print(
    [
      differing.length === 0 ? "ok  " : "FAIL",
      name.padEnd(28),
      (byteLevel?.preTokenizer.names[0] ?? "sentencepiece").padEnd(16),
      `${tests.length - differing.length}/${tests.length} texts`,
      `${tokens.length} tokens loaded in ${loadMs.toFixed(0)} ms`,
    ].join(" "),
  );
  return differing.length;
}

async function load(folder: string, name: string): Promise<Tokenizer> {
  const isGrown = name === USER_DEFINED;
  const file = isGrown ? "ggml-vocab-llama-spm" : name;
  await using source = await openSource(`${folder}/${file}.gguf`);
  const { metadata } = await readGguf(source);
  if (!isGrown) return Tokenizer.fromMetadata(metadata);
  const grown = (key: string, ...more: unknown[]) => ({
    [`tokenizer.ggml.${key}`]: [
      ...metadata[`tokenizer.ggml.${key}`] as unknown[],
      ...more,
    ],
  });
  return Tokenizer.fromMetadata({
    ...metadata,
    ...grown("tokens", "<|good|>", "<|bad|>"),
    ...grown("scores", 0, 0),
    ...grown("token_type", 4, 4),
  });
}

/** Whether all of a text is as the golden has it. */
function agrees(tokenizer: Tokenizer, golden: TokenizerGolden): boolean {
  const { text, bos_special: ids } = golden;
  const clean = { cleanSpaces: true };
  return isSame(tokenizer.encode(text, { bos: false }), golden.plain) &&
    isSame(
      tokenizer.encode(text, { bos: false, special: true }),
      golden.special,
    ) &&
    isSame(tokenizer.encode(text), golden.bos) &&
    isSame(tokenizer.encode(text, { special: true }), ids) &&
    isSame(
      ids.map((id) => tokenizer.pieceBytes(id).toHex()),
      golden.bos_special_pieces_hex,
    ) &&
    toHex(tokenizer.decode(ids, { ...clean, special: true })) ===
      golden.detok_hex &&
    toHex(tokenizer.decode(ids, { ...clean, prefix: "first" })) ===
      golden.detok_hide_special_hex;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function toHex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
