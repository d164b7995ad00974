import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type GgufTensor, u32 } from "../../tests/gguf_builder.ts";
import { type MadeModelOptions, makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import { openSource } from "../gguf/source.ts";
import { readConfig } from "./config.ts";
import { findTensors, type LlamaTensors } from "./tensors.ts";

async function find(options: MadeModelOptions): Promise<LlamaTensors> {
  const file = await readGguf(await openSource(makeModel(options)));
  return findTensors(file, readConfig(file));
}

Deno.test("findTensors() finds each tensor by its name", async () => {
  const { layers, output, ropeFreqs, ...others } = await find({
    layers: 3,
    ropeFreqs: [1, 1, 1, 1],
  });
  assertEquals(layers.length, 3);
  for (const [i, layer] of layers.entries()) {
    assertEquals(Object.values(layer).map(({ name }) => name), [
      `blk.${i}.attn_norm.weight`,
      `blk.${i}.attn_q.weight`,
      `blk.${i}.attn_k.weight`,
      `blk.${i}.attn_v.weight`,
      `blk.${i}.attn_output.weight`,
      `blk.${i}.ffn_norm.weight`,
      `blk.${i}.ffn_gate.weight`,
      `blk.${i}.ffn_up.weight`,
      `blk.${i}.ffn_down.weight`,
    ]);
  }
  assertEquals(output?.name, "output.weight");
  assertEquals(ropeFreqs?.name, "rope_freqs.weight");
  assertEquals(others.tokenEmbd.name, "token_embd.weight");
  assertEquals(others.outputNorm.name, "output_norm.weight");
});

Deno.test("findTensors() finds no head in a file whose head is tied", async () => {
  const { output, ropeFreqs } = await find({ tied: true });
  assertEquals([output, ropeFreqs], [undefined, undefined]);
});

/** Changes the tensor of one name. */
function changed(
  name: string,
  change: (tensor: GgufTensor) => Partial<GgufTensor>,
) {
  return (tensors: GgufTensor[]) =>
    tensors.map((tensor) =>
      tensor.name === name ? { ...tensor, ...change(tensor) } : tensor
    );
}

Deno.test("findTensors() takes a shape with outer ones", async () => {
  const change = changed("output_norm.weight", ({ shape }) => ({
    shape: [...shape, 1],
  }));
  await find({ change });
});

const NAMES = makeNames();

function makeNames(): string[] {
  const names: string[] = [];
  makeModel({
    layers: 1,
    tied: true,
    change(tensors) {
      names.push(...tensors.map(({ name }) => name));
      return tensors;
    },
  });
  return names;
}

for (const name of NAMES) {
  Deno.test(`findTensors() names ${name} when it is missing`, async () => {
    const change = (tensors: GgufTensor[]) =>
      tensors.filter((tensor) => tensor.name !== name);
    const error = await assertRejects(() =>
      find({ layers: 1, tied: true, change })
    );
    assertEquals(
      error.message,
      `Cannot load "Uint8Array": tensor "${name}" is missing`,
    );
  });

  Deno.test(`findTensors() names ${name} when its shape is another`, async () => {
    const change = changed(name, ({ shape: [first, ...rest] }) => ({
      shape: [first! + 2, ...rest],
      data: new Uint8Array(
        4 * rest.reduce((product, dim) => product * dim, first! + 2),
      ),
    }));
    const error = await assertRejects(
      () => find({ layers: 1, tied: true, change }),
      RangeError,
    );
    assertStringIncludes(error.message, `Cannot load "Uint8Array": tensor "`);
    assertStringIncludes(error.message, name);
  });

  Deno.test(`findTensors() names ${name} when its type is unsupported`, async () => {
    const change = changed(name, ({ shape }) => ({
      format: "Q8_K",
      data: new Uint8Array(
        shape.reduce((product, dim) => product * dim, 1) / 256 * 292,
      ),
    }));
    const options = { layers: 1, tied: true, dim: 256, hiddenDim: 256 };
    const error = await assertRejects(
      () => find({ ...options, change }),
      Error,
    );
    assertStringIncludes(
      error.message,
      `Cannot load "Uint8Array": tensor "${name}" has type Q8_K, one of F32, `,
    );
  });
}

Deno.test("findTensors() names a tensor that is none of a Llama", async () => {
  for (
    const name of [
      "blk.0.attn_q.bias",
      "blk.2.attn_q.weight", // of a layer too many
      "blk.0.ffn_gate_inp.weight",
    ]
  ) {
    const extra: GgufTensor = { name, shape: [32], format: "F32" };
    const error = await assertRejects(() =>
      find({ change: (tensors) => [...tensors, extra] })
    );
    assertEquals(
      error.message,
      `Cannot load "Uint8Array": tensor "${name}" is none that a Llama of 2 layers has`,
    );
  }
});

Deno.test("findTensors() is quick when the number of layers is absurd", async () => {
  const metadata = { "llama.block_count": u32(2 ** 31) };
  const error = await assertRejects(() => find({ metadata }));
  assertStringIncludes(error.message, 'tensor "blk.2.attn_norm.weight"');
});
