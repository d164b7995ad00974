import { makeModel } from "./models.ts";
import { quantize } from "./quantize.ts";
import { BYTES, CONTROLS, type MadeToken } from "./vocabularies.ts";

/**
 * Writes a model that says what it is told to: the tokens of a script one after
 * the other, then EOS. It starts anew behind any token that is not of the
 * script.
 *
 * Its embeddings are unit vectors, one for each token of the script and one for
 * all others; its layer adds nothing; its head turns each vector into the next
 * token of the script.
 *
 * @param script The tokens; `<0x..>` is a byte. A text may come twice.
 * @param contextLength Defaults to 512.
 * @returns The file.
 */
export function scriptModel(
  script: readonly string[],
  contextLength = 512,
): Uint8Array<ArrayBuffer> {
  const tokens: MadeToken[] = [
    ...CONTROLS,
    ...BYTES,
    ["<|good|>", "control"],
  ];
  const start = tokens.length;
  const ids = script.map((text) => {
    const byte = BYTES.findIndex(([token]) => token === text);
    if (byte >= 0) return CONTROLS.length + byte;
    return tokens.push([text.replaceAll(" ", "▁"), "normal", -start]) - 1;
  });
  const dim = Math.ceil((script.length + 1) / 2) * 2;
  const eos = 2;
  const embedding = new Float32Array(tokens.length * dim);
  const head = new Float32Array(tokens.length * dim);
  for (let id = 0; id < tokens.length; id++) {
    embedding[id * dim + ids.indexOf(id) + 1] = 1;
  }
  for (const [step, id] of [...ids, eos].entries()) head[id * dim + step] = 9;

  return makeModel({
    dim,
    tokens,
    contextLength,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    hiddenDim: 2,
    change: (tensors) =>
      tensors.map((tensor) => {
        const { name, data } = tensor;
        if (name.includes("norm")) return tensor;
        const values = name === "token_embd.weight"
          ? embedding
          : name === "output.weight"
          ? head
          : new Float32Array(data!.length / 4);
        return { ...tensor, data: quantize("F32", values) };
      }),
  });
}
