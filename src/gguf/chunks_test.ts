import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { buildGguf, tensorBytes } from "../../tests/gguf_builder.ts";
import { readTensor, readTensorBytes } from "./chunks.ts";
import { readGguf, type TensorInfo } from "./reader.ts";
import { openSource } from "./source.ts";

// A tensor of `blocks` blocks behind another one, of recognisable bytes.
async function open(format: string, blockSize: number, blocks: number) {
  const shape = [blockSize * blocks];
  const bytes = tensorBytes({ name: "b", shape, format });
  const data = Uint8Array.from({ length: bytes }, (_, i) => i * 31 + 1);
  const file = buildGguf({
    tensors: [
      { name: "a", shape: [3], format: "F32" },
      { name: "b", shape, format, data },
    ],
  });
  const source = await openSource(file);
  const { tensors } = await readGguf(source);
  return { source, tensor: tensors.get("b")!, data };
}

async function collect(
  ...args: Parameters<typeof readTensor>
): Promise<{ data: Uint8Array; lengths: number[] }> {
  const lengths: number[] = [];
  const data = new Uint8Array(args[1].bytes);
  for await (const { offset, bytes } of readTensor(...args)) {
    lengths.push(bytes.length);
    data.set(bytes, offset);
  }
  return { data, lengths };
}

for (
  const [format, blockSize, blocks, unit] of [
    ["Q4_0", 32, 21, 36],
    ["Q8_0", 32, 21, 68],
    ["F16", 1, 35, 4],
    ["F32", 1, 9, 4],
    ["MXFP4", 32, 13, 68],
    ["I8", 1, 10, 4],
    ["Q4_K", 256, 3, 144],
  ] as const
) {
  Deno.test(`readTensor() reads ${format} in chunks of whole units`, async () => {
    const { source, tensor, data } = await open(format, blockSize, blocks);
    for (const chunkBytes of [1, unit, 2 * unit + 3, data.length, Infinity]) {
      const read = await collect(source, tensor, { chunkBytes });
      assertEquals(read.data, data);
      const most = Math.max(unit, chunkBytes);
      assert(read.lengths.every((length) => length <= most));
      assert(read.lengths.slice(0, -1).every((length) => length % unit === 0));
      assertEquals(
        read.lengths.length,
        Math.ceil(data.length / read.lengths[0]!),
      );
    }
  });
}

Deno.test("readTensor() reads a small tensor as one chunk by default", async () => {
  const { source, tensor, data } = await open("Q4_0", 32, 5);
  assertEquals((await collect(source, tensor)).lengths, [data.length]);
});

Deno.test("readTensor() uses one buffer that ends in zeros up to a multiple of 4", async () => {
  const { source, tensor } = await open("Q4_0", 32, 5); // 90 bytes
  const buffers = new Set<ArrayBuffer>();
  let last = new Uint8Array();
  for await (
    const { bytes } of readTensor(source, tensor, { chunkBytes: 40 })
  ) {
    buffers.add(bytes.buffer);
    last = bytes;
  }
  assertEquals(buffers.size, 1);
  assertEquals([last.length, last.byteOffset], [18, 0]);
  assertEquals([...new Uint8Array(last.buffer, 18, 2)], [0, 0]);
});

Deno.test("readTensor() stops when the signal is aborted", async () => {
  const { source, tensor } = await open("F32", 1, 8);
  const controller = new AbortController();
  const chunks = readTensor(source, tensor, {
    chunkBytes: 4,
    signal: controller.signal,
  });
  assertEquals((await chunks.next()).value?.offset, 0);
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => chunks.next()), reason);
});

Deno.test("readTensor() refuses a chunk size that is not positive", async () => {
  const { source, tensor } = await open("F32", 1, 8);
  for (const chunkBytes of [0, -4, NaN]) {
    await assertRejects(
      () => collect(source, tensor, { chunkBytes }),
      RangeError,
      `Cannot read tensor "b": chunkBytes is ${chunkBytes}`,
    );
  }
});

Deno.test("readTensor() fails when the source ends before the tensor", async () => {
  const { source, tensor } = await open("F32", 1, 8);
  const beyond: TensorInfo = { ...tensor, bytes: tensor.bytes + 4 };
  await assertRejects(() => collect(source, beyond), RangeError, "it ends at");
  await assertRejects(
    () => readTensorBytes(source, beyond),
    RangeError,
    "it ends at",
  );
});

Deno.test("readTensorBytes() reads a whole tensor", async () => {
  const { source, tensor, data } = await open("Q8_0", 32, 3);
  assertEquals(await readTensorBytes(source, tensor), data);
});
