import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pickleOf, writePytorch } from "../../tests/checkpoint/pytorch.ts";
import type { MadeTensor } from "../../tests/checkpoint/safetensors.ts";
import { writeZip } from "../../tests/checkpoint/zip.ts";
import { openSource } from "../gguf/source.ts";
import { readPickle } from "./pickle.ts";
import { readPytorch } from "./pytorch.ts";
import { findTorchGlobal } from "./pytorch_objects.ts";

const FIXTURES = new URL("../../tests/fixtures/checkpoints/", import.meta.url);

/** Files of `torch.save()` of PyTorch 2.13. */
function fixture(name: string): URL {
  return new URL(name, FIXTURES);
}

async function read(input: string | URL | Uint8Array) {
  await using source = await openSource(input);
  const tensors = await readPytorch(source);
  return await Promise.all(tensors.map(async (tensor) => {
    const bytes = new Uint8Array(tensor.bytes);
    await source.readInto(bytes, tensor.offset);
    return [tensor.name, tensor.dtype, tensor.shape, bytes] as const;
  }));
}

Deno.test("readPytorch() finds parameters, views and shared storages", async () => {
  const tensors = await read(fixture("torch_2_13.bin"));
  assertEquals(
    tensors.map(([name, dtype, shape]) => [name, dtype, shape]),
    [
      ["a.weight", "BF16", [3, 4]],
      ["b.weight", "F16", [2, 4]],
      ["c", "F64", [2]],
      ["d", "F32", [4]],
      ["e", "F32", [3, 4]],
    ],
  );
  const [, b, c, d, e] = tensors.map(([, , , bytes]) => bytes.buffer);
  // b is all but the first row; d is the first row of e.
  assertEquals(
    [...new Float16Array(b!)],
    [4, 5, 6, 7, 8, 9, 10, 11],
  );
  assertEquals([...new Float64Array(c!)], [1.5, -2]);
  assertEquals([...new Float32Array(d!)], [0, 1, 2, 3]);
  assertEquals(new Float32Array(e!)[11], 11);
});

const REFUSED: readonly [file: string, message: string][] = [
  ["torch_legacy.bin", "as PyTorch wrote before version 1.6"],
  ["torch_module.bin", 'asks for "torch.nn.modules.linear.Linear"'],
  [
    "torch_transposed.bin",
    'tensor "t" has the shape [4, 3] with the strides [1, 4]',
  ],
];

for (const [file, message] of REFUSED) {
  Deno.test(`readPytorch() refuses ${file}`, async () => {
    await assertRejects(() => read(fixture(file)), Error, message);
  });
}

/** Pickles by hand: text is ASCII. */
function pickle(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function run(text: string | Uint8Array): unknown {
  return readPickle(typeof text === "string" ? pickle(text) : text, {
    label: "x",
    findGlobal: findTorchGlobal,
    load: (id) => ({ id }),
  });
}

const PICKLES: readonly [string, string, string][] = [
  [
    "a command by GLOBAL",
    "\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.",
    'its pickle asks for "os.system", which is no part of weights',
  ],
  [
    "a command by STACK_GLOBAL",
    "\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
    'its pickle asks for "builtins.eval"',
  ],
  [
    "a name that is no text",
    "\x80\x04)" + "\x85".repeat(100_000) + "\x8c\x01x\x93.",
    "asks for a name that is no text",
  ],
  ["an INST", "(ios\nsystem\n.", "has the instruction 0x69 at byte 1"],
  ["an OBJ", "(o.", "has the instruction 0x6f"],
  ["a NEWOBJ", "\x80\x02)\x81.", "has the instruction 0x81"],
  ["an extension", "\x82\x01.", "has the instruction 0x82"],
  ["an outside buffer", "\x97.", "has the instruction 0x97"],
  [
    "a call of a storage type",
    "\x80\x02ctorch\nFloatStorage\n)R.",
    "calls what cannot be called",
  ],
  ["a call of a number", "K\x01)R.", "calls what cannot be called"],
  [
    "an OrderedDict of something",
    "\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
    "1 arguments are given",
  ],
  [
    "a tensor of nothing",
    "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
    "its arguments are none of a tensor",
  ],
  ["attributes of a list", "]}b.", "of what is no dictionary"],
  ["an item of a list", "]K\x01K\x02s.", "sets an item of what is no"],
  ["an append to a tuple", ")K\x01a.", "appends to what is no list"],
  ["a key without value", "}(K\x01u.", "has a key without value"],
  ["no mark", "K\x01t.", "has no mark"],
  ["a mark as a value", "(.", "takes a mark for a value"],
  ["an empty stack", ".", "takes what is not there"],
  ["values left over", "NN.", "ends with values left over"],
  ["an unknown memory", "h\x07.", "recalls 7, which it never stored"],
  ["protocol 1", "\x80\x01N.", "is of protocol 1"],
  ["an end in a text", "X\xff\xff\xff\x7fab", "is truncated at byte 7"],
  ["an end in a line", "cos", "is truncated at byte 3"],
  ["no end", "N", "is truncated at byte 1"],
  ["too many steps", "]".repeat(400_002), "has over 400000 steps"],
];

for (const [what, text, message] of PICKLES) {
  Deno.test(`readPickle() refuses ${what}`, () => {
    assertThrows(() => run(text), Error, message);
  });
}

Deno.test("readPickle() reads numbers, texts, lists and dictionaries", () => {
  const value = run(
    "\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00](K\x05M\x01\x02J\xff\xff\xff\xff" +
      "\x8a\x02\x00\x80G\x3f\xf8\x00\x00\x00\x00\x00\x00\x88\x89N\x8c\x02\xc3\xa9" +
      "e\x94h\x00\x86.",
  );
  const list = [5, 513, -1, -32768, 1.5, true, false, null, "é"];
  assertEquals(value, [list, list]);
});

const TENSOR: MadeTensor = {
  name: "t",
  dtype: "F32",
  shape: [2, 2],
  bytes: 16,
  data: () => [new Uint8Array(16)],
};

async function inFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

for (const zip64 of [false, true]) {
  Deno.test(`readPytorch() reads in place when zip64 is ${zip64}`, async () => {
    await inFile(async (path) => {
      const data = Uint8Array.from({ length: 16 }, (_, i) => i);
      await writePytorch(path, [{ ...TENSOR, data: () => [data] }], { zip64 });
      assertEquals(await read(path), [["t", "F32", [2, 2], data]]);
    });
  });
}

/** Writes an archive of files of a folder. */
async function archive(files: Record<string, string | Uint8Array>) {
  return await inFile(async (path) => {
    await writeZip(
      path,
      Object.entries(files).map(([name, value]) => {
        const bytes = typeof value === "string" ? pickle(value) : value;
        return { name, bytes: bytes.length, data: () => [bytes] };
      }),
    );
    return await Deno.readFile(path);
  });
}

const STATE = pickleOf([TENSOR]);
const DATA = new Uint8Array(16);

const ARCHIVES: readonly [
  string,
  Record<string, string | Uint8Array>,
  string,
][] = [
  ["without a pickle", { "a/version": "3" }, "it has 0 files data.pkl"],
  [
    "with two pickles",
    { "a/data.pkl": STATE, "b/data.pkl": STATE },
    "it has 2 files data.pkl",
  ],
  [
    "of another byte order",
    { "a/data.pkl": STATE, "a/byteorder": "big", "a/data/0": DATA },
    'its byte order is "big"',
  ],
  [
    "without the data",
    { "a/data.pkl": STATE },
    'tensor "t" is in "a/data/0", which is missing',
  ],
  [
    "with too little data",
    { "a/data.pkl": STATE, "a/data/0": new Uint8Array(15) },
    'takes 4 elements from 0 on of 4, and "a/data/0" has 15 bytes',
  ],
  ["of a list", { "a/data.pkl": "]." }, "it holds no dictionary"],
  [
    "of a dictionary of numbers",
    { "a/data.pkl": "}(X\x01\x00\x00\x00aK\x01u." },
    '"a" is no tensor',
  ],
  [
    "of what lies deep in tuples",
    { "a/data.pkl": "})" + "\x85".repeat(100_000) + "Ns." },
    "what has no name is no tensor",
  ],
  [
    "with a path for a key",
    {
      "a/data.pkl": String.fromCharCode(...STATE)
        .replace("X\x01\x00\x00\x000", "X\x03\x00\x00\x00../"),
    },
    "has a storage of an unknown kind",
  ],
];

for (const [what, files, message] of ARCHIVES) {
  Deno.test(`readPytorch() refuses an archive ${what}`, async () => {
    const bytes = await archive(files);
    await assertRejects(() => read(bytes), Error, message);
  });
}

Deno.test("readPytorch() refuses compressed and encrypted files", async () => {
  const bytes = await archive({ "a/data.pkl": STATE, "a/data/0": DATA });
  // The directory's entries start with PK 1 2: flags at 8, the method at 10.
  const at = bytes.findIndex((_, i) =>
    bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 1
  );
  const change = (offset: number, value: number) =>
    read(bytes.with(at + offset, value));
  await assertRejects(() => change(10, 8), SyntaxError, "is compressed");
  await assertRejects(() => change(8, 1), SyntaxError, "it is no zip archive");
});

Deno.test("readPytorch() refuses what is no archive", async () => {
  for (const bytes of [[], [1], [0x50, 0x4b], [0x50, 0x4b, 3, 4, 5]]) {
    await assertRejects(() => read(Uint8Array.from(bytes)), SyntaxError);
  }
});
