import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  GpuMemoryError,
  loadModel,
  type LoadModelOptions,
  type ModelInput,
  ModelMemoryError,
} from "../mod.ts";
import { runCli } from "./cli.ts";
import { watchDevices } from "./devices.ts";
import { projectFile } from "./engine.ts";
import {
  buildGguf,
  type BuildGgufOptions,
  type GgufTensor,
  string,
  u32,
} from "./gguf_builder.ts";
import { writeHugeModel } from "./huge_model.ts";
import { type MadeModelOptions, makeModel } from "./models.ts";

/** A class of errors, and what its message contains. */
type Refusal = [new (...args: never[]) => Error, ...parts: string[]];

/**
 * Asserts that a model is refused quickly and that nothing of it
 * stays: the test runner finds open files, this the devices.
 */
async function assertRefused(
  input: ModelInput,
  [kind, ...parts]: Refusal,
  options: LoadModelOptions = {},
): Promise<Error> {
  const start = performance.now();
  let error: Error | undefined;
  const devices = await watchDevices(async () => {
    error = await assertRejects(() => loadModel(input, options), Error);
  });
  assertEquals(error!.constructor, kind, error!.message);
  assert(error!.message.startsWith("Cannot "), error!.message);
  // A plan is a table, all else one line.
  const [line, ...rest] = error!.message.split("\n");
  assertEquals(rest.length > 0, error instanceof ModelMemoryError, line);
  for (const part of parts) assertStringIncludes(error!.message, part);
  assert(devices.every((destroyed) => destroyed), "a device is left");
  assertLess(performance.now() - start, 3000);
  return error!;
}

/** Changes the tensor of one name. */
function change(
  name: string,
  changes: Partial<GgufTensor>,
): Pick<MadeModelOptions, "change"> {
  return {
    change: (tensors) =>
      tensors.map((tensor) =>
        tensor.name === name ? { ...tensor, ...changes } : tensor
      ),
  };
}

const GOOD = makeModel();
const HEADER = GOOD.length - lastTensorBytes();

function lastTensorBytes(): number {
  let bytes = 0;
  makeModel({
    change: (tensors) => {
      bytes = tensors.at(-1)!.data!.length;
      return tensors;
    },
  });
  return bytes;
}

/** A header that promises more than there is. */
function promising(options: BuildGgufOptions): Uint8Array {
  return buildGguf({
    metadata: { "general.architecture": string("llama") },
    ...options,
  });
}

const ATTN_Q = "blk.0.attn_q.weight";

const FILES: [what: string, bytes: Uint8Array, refusal: Refusal][] = [
  ["an empty file", new Uint8Array(), [SyntaxError, "it is empty"]],
  ["no GGUF file", new TextEncoder().encode("{}".repeat(50)), [
    SyntaxError,
    "GGUF",
  ]],
  ["a truncated header", GOOD.slice(0, 3000), [RangeError, "3000"]],
  ["truncated data", GOOD.slice(0, -1), [
    RangeError,
    "output.weight",
    `${GOOD.length - 1}`,
  ]],
  ["no data at all", GOOD.slice(0, HEADER), [RangeError, "output.weight"]],
  ["version 1", promising({ version: 1 }), [
    SyntaxError,
    "version is 1, 2 or 3",
  ]],
  ["a version of the far future", promising({ version: 9 }), [
    SyntaxError,
    "version is 9, 2 or 3",
  ]],
  [
    "10^12 tensors",
    promising({ tensorCount: 10 ** 12 }),
    [RangeError, "1000000000000"],
  ],
  ["10^12 keys", promising({ keyCount: 10 ** 12 }), [
    RangeError,
    "1000000000000",
  ]],
  [
    "a string of 2^60 bytes",
    promising({
      metadata: {
        "general.name": { type: "string", value: "x", length: 2n ** 60n },
      },
    }),
    [RangeError, `${2n ** 60n}`],
  ],
  [
    "an array of 2^60 strings",
    promising({
      metadata: {
        "tokenizer.ggml.tokens": {
          type: "array",
          of: "string",
          value: ["x"],
          length: 2n ** 60n,
        },
      },
    }),
    [RangeError, `${2n ** 60n}`],
  ],
  ["a tensor beyond the file", makeModel(change(ATTN_Q, { offset: 1 << 30 })), [
    RangeError,
    ATTN_Q,
  ]],
  ["a tensor at 2^60", makeModel(change(ATTN_Q, { offset: 2n ** 60n })), [
    RangeError,
    ATTN_Q,
  ]],
  ["an unaligned tensor", makeModel(change(ATTN_Q, { offset: 4 })), [
    RangeError,
    ATTN_Q,
    "4",
    "32",
  ]],
  [
    "a tensor of 2^60 elements",
    makeModel(change(ATTN_Q, { dims: [2n ** 30n, 2n ** 30n] })),
    [RangeError, ATTN_Q],
  ],
  ["a tensor of an unknown type", makeModel(change(ATTN_Q, { typeId: 99 })), [
    TypeError,
    ATTN_Q,
    "99",
  ]],
  [
    "a tensor of an unsupported type",
    makeModel({
      dim: 256,
      ...change(ATTN_Q, {
        format: "Q8_K",
        data: new Uint8Array(256 * 292),
      }),
    }),
    [Error, ATTN_Q, "Q8_K", "Q8_0"],
  ],
  [
    "a tensor that is missing",
    makeModel({
      change: (tensors) => tensors.filter(({ name }) => name !== ATTN_Q),
    }),
    [Error, `"${ATTN_Q}" is missing`],
  ],
  [
    "a tensor of another shape",
    makeModel(change(ATTN_Q, { shape: [16, 64] })),
    [RangeError, ATTN_Q, "[64, 16]", "[32, 32]"],
  ],
  [
    "a tensor too many",
    makeModel({
      change: (tensors) => [
        ...tensors,
        { name: "blk.0.attn_q.bias", shape: [32], format: "F32" },
      ],
    }),
    [Error, "blk.0.attn_q.bias"],
  ],
  [
    "a tensor twice",
    makeModel({ change: (tensors) => [...tensors, tensors[0]!] }),
    [SyntaxError, "token_embd.weight"],
  ],
  [
    "another architecture",
    makeModel({ metadata: { "general.architecture": string("mamba") } }),
    [Error, '"mamba"', '"llama"'],
  ],
  [
    "another tokenizer",
    makeModel({ metadata: { "tokenizer.ggml.model": string("bert") } }),
    [Error, '"bert"', '"llama"'],
  ],
  [
    "no tokenizer",
    makeModel({ metadata: { "tokenizer.ggml.model": undefined } }),
    [Error, "tokenizer.ggml.model"],
  ],
  [
    "no tokens",
    makeModel({ metadata: { "tokenizer.ggml.tokens": undefined } }),
    [Error, "tokenizer.ggml.tokens"],
  ],
  [
    "no number of layers",
    makeModel({ metadata: { "llama.block_count": undefined } }),
    [TypeError, "llama.block_count"],
  ],
  [
    "2^31 layers",
    makeModel({ metadata: { "llama.block_count": u32(2 ** 31) } }),
    [Error, "blk.2.attn_norm.weight"],
  ],
];

for (const [what, bytes, refusal] of FILES) {
  Deno.test(`loadModel() refuses ${what}`, async () => {
    await assertRefused(bytes, refusal);
    await assertRefused(new Blob([bytes.slice()]), refusal);
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeFile(file, bytes);
      const error = await assertRefused(file, refusal);
      const isOfFile = !/Cannot (load tokenizer|read "llama)/.test(
        error.message,
      );
      if (isOfFile) assertStringIncludes(error.message, file);
    } finally {
      await Deno.remove(file);
    }
  });
}

Deno.test("loadModel() refuses what is no file", async () => {
  await assertRefused("/no/such.gguf", [
    Error,
    '"/no/such.gguf": no such file',
  ]);
  await assertRefused(projectFile("models"), [Error, "it is a directory"]);
  await assertRefused("", [Error, '""']);
  await assertRefused("ftp://host/x.gguf", [TypeError, "ftp:"]);
  const input = 5 as unknown as string;
  await assertRefused(input, [TypeError, "Number"]);
});

const OPTIONS: [keyof LoadModelOptions, unknown, new () => Error][] = [
  ["contextLength", 0, RangeError],
  ["contextLength", -1, RangeError],
  ["contextLength", 1.5, RangeError],
  ["contextLength", NaN, RangeError],
  ["contextLength", 65, RangeError],
  ["batchSize", 0, RangeError],
  ["batchSize", -1, RangeError],
  ["batchSize", 0.5, RangeError],
  ["kv", "q4_0", TypeError],
];

Deno.test("loadModel() refuses options that make no sense", async () => {
  for (const [name, value, kind] of OPTIONS) {
    await assertRefused(
      GOOD,
      [kind, `Cannot load model: ${name} is `, `${value}`],
      { [name]: value },
    );
  }
});

Deno.test("loadModel() refuses a context that no binding can hold", async () => {
  const bytes = makeModel({ contextLength: 2 ** 31 - 1 });
  await assertRefused(bytes, [ModelMemoryError, "fit into one binding"], {
    contextLength: 2 ** 31 - 1,
  });
  // It is the default that counts where nobody asks for so much.
  await using model = await loadModel(bytes);
  assertEquals(model.contextLength, 8192);
});

Deno.test("loadModel() refuses a model that is larger than the memory", async () => {
  const file = await Deno.makeTempFile();
  try {
    // Twice the memory in 6 matrices, all of them a hole in the file.
    const dim = 8192;
    const bytes = 2 * Deno.systemMemoryInfo().total;
    const hiddenDim = Math.ceil(bytes / (6 * 4 * dim));
    const size = await writeHugeModel(file, { dim, hiddenDim });
    assert(size > bytes);
    const refusal: Refusal = [
      ModelMemoryError,
      file,
      "GiB",
      "weights F32",
      "does not fit",
    ];
    const error = await assertRefused(file, refusal, {
      // Never to fill the memory of the machine that tests this.
      onProgress: () => {
        throw new Error("It was loaded");
      },
    });
    assertInstanceOf(error, GpuMemoryError);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("loadModel() tells what to install where there is no adapter", async () => {
  const env = {
    DENO_WEBGPU_BACKEND: "vulkan", // or wgpu finds OpenGL
    VK_DRIVER_FILES: "/nonexistent",
    VK_ICD_FILENAMES: "/nonexistent",
    XDG_RUNTIME_DIR: "/tmp",
  };
  const model = "models/stories260k-f32.gguf";
  for (const args of [`generate ${model} --prompt a`, "doctor"]) {
    const { code, stdout, stderr } = await runCli(args, { env });
    assertEquals([code, stdout], [1, ""]);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, "error: Cannot find a WebGPU adapter: ");
    assertStringIncludes(stderr, "mesa-vulkan-drivers");
  }
  // What needs no GPU works without one.
  const { code } = await runCli(`tokenize ${model} --text a`, { env });
  assertEquals(code, 0);
});
