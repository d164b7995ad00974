import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type DatEntry,
  importanceDat,
  importanceGguf,
} from "../../tests/importance.ts";
import { importanceOf, readImportanceMatrix } from "./importance.ts";

const ENTRIES: DatEntry[] = [
  { name: "blk.0.attn_q.weight", calls: 4, sums: [4, 8, 2, 0] },
  { name: "blk.0.ffn_down.weight", calls: 3, sums: [1, 2] },
];
const THIRD = Math.fround(1 / 3);

Deno.test("readImportanceMatrix() reads the older format", async () => {
  const file = importanceDat(ENTRIES, { chunks: 16, dataset: "a/text.txt" });
  const { entries, chunks, dataset, label } = await readImportanceMatrix(file);
  assertEquals(Object.fromEntries(entries), {
    "blk.0.attn_q.weight": Float32Array.of(1, 2, 0.5, 0),
    "blk.0.ffn_down.weight": Float32Array.of(THIRD, Math.fround(2 / 3)),
  });
  assertEquals([chunks, dataset, label], [16, "a/text.txt", "Uint8Array"]);
});

Deno.test("readImportanceMatrix() reads the older format when it has no end", async () => {
  const { chunks, dataset } = await readImportanceMatrix(
    importanceDat(ENTRIES),
  );
  assertEquals([chunks, dataset], [0, undefined]);
});

Deno.test("readImportanceMatrix() takes sums as they are when nothing was called", async () => {
  const [entry] = ENTRIES;
  const file = importanceDat([{ ...entry!, calls: 0 }]);
  const { entries } = await readImportanceMatrix(file);
  assertEquals(entries.get(entry!.name), Float32Array.of(4, 8, 2, 0));
});

Deno.test("readImportanceMatrix() reads GGUF files", async () => {
  const file = importanceGguf({
    "blk.0.attn_q.weight": { sums: [4, 8, 2, 0], counts: [4] },
    "blk.0.ffn_up_exps.weight": { sums: [3, 6, 1, 1], counts: [3, 0] },
  });
  const { entries, chunks, dataset } = await readImportanceMatrix(file);
  assertEquals(Object.fromEntries(entries), {
    "blk.0.attn_q.weight": Float32Array.of(1, 2, 0.5, 0),
    // What never ran matters as all does.
    "blk.0.ffn_up_exps.weight": Float32Array.of(1, 2, 1, 1),
  });
  assertEquals([chunks, dataset], [7, "wiki.txt"]);
});

Deno.test("readImportanceMatrix() refuses what is no importance matrix", async () => {
  const [entry] = ENTRIES;
  const good = importanceDat(ENTRIES, { chunks: 1, dataset: "x" });
  const counts = (least: number) => importanceDat(ENTRIES, { count: least });
  const sums = (value: number) =>
    importanceDat([{ ...entry!, sums: [1, value] }]);
  const gguf = (counts: number[], type = "imatrix") =>
    importanceGguf({ a: { sums: [1, 2, 3, 4], counts, rows: 1 } }, { type });
  const cases: [Uint8Array<ArrayBuffer>, string][] = [
    [new Uint8Array(), "it has 0 bytes"],
    [new Uint8Array(3), "it has 3 bytes"],
    [new Uint8Array(64), "the count of entries at byte 0 is 0"],
    [new TextEncoder().encode("some text"), "is it another kind of file?"],
    [counts(-1), "is -1"],
    [counts(3), "truncated"],
    [good.subarray(0, 30), "truncated"],
    [good.subarray(0, good.length - 1), "truncated"],
    [importanceDat([entry!, entry!]), 'the entry "blk.0.attn_q.weight" twice'],
    [importanceDat([{ ...entry!, sums: [] }]), "the length of entry"],
    [sums(NaN), "has NaN for column 1, a finite number from 0 on is wanted"],
    [sums(Infinity), "has Infinity for column 1"],
    [sums(-1), "has -0.25 for column 1"],
    [gguf([1, 2]), 'entry "a" has 2 counts, 1 are wanted'],
    [gguf([1], "model"), 'its general.type is "model"'],
    [importanceGguf({}), "it has no entries"],
  ];
  for (const [file, message] of cases) {
    const error = await assertRejects(() => readImportanceMatrix(file), Error);
    assertEquals(error.message.includes(message), true, error.message);
  }
});

Deno.test("readImportanceMatrix() stops when it is aborted", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const read = () => readImportanceMatrix(importanceDat(ENTRIES), { signal });
  await assertRejects(read, Error, "enough");
});

Deno.test("importanceOf() finds a tensor's entry", async () => {
  const matrix = await readImportanceMatrix(importanceDat([
    { name: "blk.0.attn_q.weight", calls: 1, sums: [1, 2] },
    { name: "blk.0.ffn_up_exps.weight", calls: 1, sums: [1, 2, 3, 4] },
    { name: "token_embd.weight", calls: 1, sums: [1, 2, 3] },
  ]));
  const find = (name: string, ...shape: number[]) =>
    importanceOf(matrix, { name, shape });
  assertEquals(find("blk.0.attn_q.weight", 2, 8), Float32Array.of(1, 2));
  const experts = find("blk.0.ffn_up_exps.weight", 2, 8, 2);
  assertEquals(experts, Float32Array.of(1, 2, 3, 4));
  assertEquals(find("token_embd.weight", 2, 8), undefined);
  assertEquals(find("output.weight", 2, 8), undefined);
  assertThrows(
    () => find("blk.1.attn_q.weight", 2, 8),
    RangeError,
    'it has no entry "blk.1.attn_q.weight", is it of another model?',
  );
  assertThrows(
    () => find("blk.0.attn_q.weight", 4, 8),
    RangeError,
    'entry "blk.0.attn_q.weight" has 2 values, 4 are wanted for the shape [4, 8]',
  );
});
