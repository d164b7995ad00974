/**
 * Writes a checkpoint as transformers writes that of a Llama: safetensors shards
 * with an index, configuration and tokenizer.
 *
 *     deno run -A tests/make_checkpoint.ts FOLDER [--gguf FILE] [--dtype BF16]
 *       [--format pytorch] [--shards 6] [--tokenizer model|json|both]
 *       [--dim 5120 --hidden 13824 --layers 2 --heads 40 --kv-heads 40
 *        --vocabulary 32002 --seed 1]
 *
 * The vocabulary is that of the GGUF file, by default the embedded one with
 * Llama's tokens and `<|good|>` and `<|bad|>`. Without a `--dim` the weights are
 * its own too, in the order of a checkpoint; with one they are random, and of
 * BF16 unless something else is given.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { makeCheckpoint } from "./checkpoint/make.ts";

const MODEL = new URL("../models/tiny-archangel-q8_0.gguf", import.meta.url);

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      gguf: text,
      dtype: text,
      format: text,
      shards: text,
      tokenizer: text,
      dim: text,
      hidden: text,
      layers: text,
      heads: text,
      "kv-heads": text,
      vocabulary: text,
      seed: text,
    },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new TypeError("A folder is wanted");
  const number = (value: string | undefined, otherwise: number) =>
    value === undefined ? otherwise : Number(value);
  await Deno.mkdir(folder, { recursive: true });
  const heads = number(values.heads, 40);
  const shape = await makeCheckpoint(folder, {
    gguf: values.gguf ?? MODEL,
    dtype: values.dtype,
    format: values.format as "pytorch" | undefined,
    shards: number(values.shards, 1),
    tokenizer: values.tokenizer as "model" | undefined,
    seed: number(values.seed, 1),
    ...(values.dim !== undefined && {
      shape: {
        dim: Number(values.dim),
        hiddenDim: number(values.hidden, 13824),
        layers: number(values.layers, 2),
        heads,
        kvHeads: number(values["kv-heads"], heads),
        vocabulary: number(values.vocabulary, 32002),
        tied: false,
      },
    }),
  });
  // deno-lint-ignore no-console -- what the program was asked for
  console.log(JSON.stringify(shape));
}
