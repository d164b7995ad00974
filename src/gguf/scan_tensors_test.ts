import { assertEquals } from "@std/assert";
import {
  buildGguf,
  f32Tensor,
  type GgufTensor,
} from "../../tests/gguf_builder.ts";
import { type Refusal, refuses, scan } from "../../tests/gguf_scan.ts";

Deno.test("scanHeader() accepts tensors in any order, with gaps", async () => {
  const tensor = { shape: [4], format: "F32" };
  const { tensors, dataOffset } = await scan({
    tensors: [
      { name: "a", ...tensor, offset: 96 },
      { name: "b", ...tensor, offset: 0 },
      { name: "c", ...tensor },
      { name: "d", ...tensor, offset: 32 },
    ],
  });
  assertEquals(
    tensors.map(({ name, offset }) => [name, offset - dataOffset]),
    [["a", 96], ["b", 0], ["c", 64], ["d", 32]],
  );
});

Deno.test("scanHeader() counts the bytes of every kind of shape", async () => {
  const { tensors } = await scan({
    tensors: [
      { name: "a", shape: [1, 1, 1, 1], format: "I8" },
      { name: "b", shape: [3, 5, 7, 2], format: "F16" },
      { name: "c", shape: [256, 3], format: "Q6_K" },
      { name: "d", shape: [64, 1, 9], format: "Q4_0" },
    ],
  });
  assertEquals(
    tensors.map(({ elements, bytes }) => [elements, bytes]),
    [[1, 1], [210, 420], [768, 630], [576, 324]],
  );
});

const A = f32Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6]);
const B = f32Tensor("b", [1], [7]);

for (const dimensions of [0, 5, 2 ** 32 - 1]) {
  refusesTensor(`${dimensions} dimensions`, { dimensions }, [
    RangeError,
    `tensor "t" has ${dimensions} dimensions, 1 to 4 are wanted`,
  ]);
}
for (
  const dims of [[4, 0], [2n ** 63n, 2n ** 63n, 4], [2n ** 53n], [
    2 ** 27,
    2 ** 26,
  ]]
) {
  refusesTensor(`the dimensions ${dims}`, { dims }, [
    RangeError,
    `tensor "t" has the shape [${dims.join(", ")}], 1 to 2^53 - 1 elements`,
  ]);
}
for (const typeId of [4, 31, 40, 2 ** 32 - 1]) {
  refusesTensor(`type ${typeId}`, { typeId }, [
    TypeError,
    `tensor "t" has the type ${typeId}, a type of ggml is wanted`,
  ]);
}
refusesTensor("rows of part of a block", { dims: [48, 2], typeId: 2 }, [
  RangeError,
  'tensor "t" has rows of 48 weights, Q4_0 wants a multiple of 32',
]);
refusesTensor("an unaligned offset", { offset: 33 }, [
  RangeError,
  'tensor "t" is at offset 33, a multiple of 32 is wanted',
]);
refusesTensor("an offset beyond the file", { offset: 320 }, [
  RangeError,
  'truncated data, tensor "t" ends at byte 480 and the file at byte 160',
]);
refusesTensor("an offset of nearly 2^64", { offset: 2n ** 64n - 32n }, [
  RangeError,
  'tensor "t" ends at byte 18446744073709551744 and the file at byte 160',
]);
refusesTensor("more data than there is", { dims: [2n ** 53n - 1n] }, [
  RangeError,
  'tensor "t" ends at byte 36028797018964028 and the file at byte 128',
]);

function refusesTensor(
  what: string,
  tensor: Partial<GgufTensor>,
  error: Refusal,
): void {
  refuses(`a tensor with ${what}`, {
    tensors: [{ name: "t", shape: [8, 2], format: "F32", ...tensor }],
  }, error);
}

refuses(
  "data that lacks its last byte",
  buildGguf({ tensors: [A, B] }).slice(0, -1),
  [
    RangeError,
    'truncated data, tensor "b" ends at byte 164 and the file at byte 163',
  ],
);
refuses("a tensor that comes twice", {
  tensors: [A, A],
}, [SyntaxError, 'it has the tensor "a" twice']);
refuses("tensors that overlap", {
  tensors: [
    { name: "a", shape: [16], format: "F32", offset: 32 },
    { name: "b", shape: [16], format: "F32", offset: 0 },
  ],
}, [RangeError, 'tensors "b" and "a" overlap at byte 128']);
refuses("a tensor's name that is too long", {
  tensors: [{ name: "n".repeat(65_536), shape: [1], format: "F32" }],
}, [RangeError, "the length of tensor name 0 is 65536, at most 65535"]);
