import { assertEquals, assertRejects } from "@std/assert";
import {
  array,
  buildGguf,
  f32Tensor,
  scalar,
  string,
  u32,
} from "../../tests/gguf_builder.ts";
import { abortable } from "./abortable.ts";
import { FingerprintedSource } from "./fingerprint.ts";
import { readTensorBytes } from "./chunks.ts";
import { readGguf } from "./reader.ts";
import { openSource } from "./source.ts";

/** What a part says in place of the right numbers, `null` for nothing. */
interface PartOptions {
  no?: number | null;
  count?: number | null;
  tensorCount?: number | null;
  names?: string[];
}

/** The second of three parts has the alignment 64. */
function buildPart(index: number, options: PartOptions = {}): Uint8Array {
  const { no = index, count = 3, tensorCount = 4 } = options;
  const { names = [["a", "b"], ["c"], ["d"]][index]! } = options;
  return buildGguf({
    ...(index === 1 && { alignment: 64 }),
    metadata: {
      ...(index === 0 && { "general.architecture": string("llama") }),
      ...(index > 0 && { "general.name": string(`part ${index}`) }),
      ...(no !== null && { "split.no": scalar("u16", no) }),
      ...(count !== null && { "split.count": scalar("u16", count) }),
      ...(tensorCount !== null && {
        "split.tensors.count": scalar("i32", tensorCount),
      }),
    },
    tensors: names.map((name, i) => f32Tensor(name, [3], [index, i, 7])),
  });
}

async function withParts(
  parts: (Uint8Array | undefined)[],
  run: (path: (part: number) => string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ suffix: " #%" });
  const path = (part: number) => `${folder}/m-0000${part}-of-00003.gguf`;
  try {
    for (const [i, part] of parts.entries()) {
      if (part !== undefined) Deno.writeFileSync(path(i + 1), part);
    }
    await run(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function urlOf(path: string): URL {
  const url = new URL("file:///");
  url.pathname = path.replaceAll("%", "%25");
  return url;
}

Deno.test("readGguf() reads all parts when any of them is opened", async () => {
  const parts = [0, 1, 2].map((i) => buildPart(i));
  await withParts(parts, async (path) => {
    for (
      const input of [path(1), path(3), urlOf(path(2)), urlOf(path(2)).href]
    ) {
      await using source = abortable(
        new FingerprintedSource(await openSource(input)),
        new AbortController().signal,
      );
      const file = await readGguf(source);
      assertEquals(file.label, String(input));
      assertEquals(file.metadata["general.architecture"], "llama");
      assertEquals(file.metadata["general.name"], undefined);
      assertEquals([...file.tensors.keys()], ["a", "b", "c", "d"]);
      assertEquals(file.size, parts.reduce((sum, p) => sum + p.length, 0));
      assertEquals(file.headers.length, 3);
      for (const [name, wanted] of Object.entries(WANTED)) {
        const bytes = await readTensorBytes(source, file.tensors.get(name)!);
        assertEquals([...new Float32Array(bytes.buffer)], wanted);
      }
    }
  });
});

const WANTED = { a: [0, 0, 7], b: [0, 1, 7], c: [1, 0, 7], d: [2, 0, 7] };

Deno.test("readGguf() reads a split file whose first part has no tensors", async () => {
  const parts = [[], ["a", "b"], ["c", "d"]].map((names, i) =>
    buildPart(i, { names })
  );
  await withParts(parts, async (path) => {
    await using source = await openSource(path(1));
    const { tensors, metadata } = await readGguf(source);
    assertEquals([...tensors.keys()], ["a", "b", "c", "d"]);
    assertEquals(metadata["general.architecture"], "llama");
  });
});

Deno.test("openSource() reads over the borders of parts", async () => {
  const parts = [0, 1, 2].map((i) => buildPart(i));
  await withParts(parts, async (path) => {
    await using source = await openSource(path(1));
    const all = new Uint8Array(source.size);
    await source.readInto(all, 0);
    assertEquals(all, Uint8Array.from(parts.flatMap((part) => [...part])));
    const middle = new Uint8Array(parts[1]!.length + 2);
    await source.readInto(middle, parts[0]!.length - 1);
    assertEquals(
      middle,
      all.subarray(parts[0]!.length - 1).subarray(0, middle.length),
    );
    for (const offset of [-1, 0.5, source.size - 1]) {
      await assertRejects(
        () => source.readInto(new Uint8Array(2), offset),
        RangeError,
        "its 3 parts have",
      );
    }
    await source[Symbol.asyncDispose]();
    await assertRejects(
      () => source.readInto(new Uint8Array(2), 0),
      TypeError,
      "it was closed before",
    );
  });
});

Deno.test("openSource() names the part that is missing", async () => {
  await withParts([buildPart(0), undefined, buildPart(2)], async (path) => {
    await assertRejects(
      () => openSource(path(3)),
      Error,
      `Cannot open model "${path(3)}": part 2 of 3 "${path(2)}": no such file`,
    );
  });
});

type Refused = [
  what: string,
  parts: Uint8Array[],
  kind: new (message: string) => Error,
  message: string,
];

const REFUSED: Refused[] = [
  [
    "parts are in each other's place",
    [buildPart(0), buildPart(2), buildPart(1)],
    RangeError,
    '-00002-of-00003.gguf": split.no is 2, 1 is wanted',
  ],
  [
    "a part is of a split into more",
    [buildPart(0), buildPart(1, { count: 4 }), buildPart(2)],
    RangeError,
    '-00002-of-00003.gguf": split.count is 4, 3 is wanted',
  ],
  [
    "the first does not say how many there are",
    [buildPart(0, { count: null }), buildPart(1), buildPart(2)],
    RangeError,
    "split.count is missing, 3 is wanted",
  ],
  [
    "they are no parts at all",
    [buildPart(0, { no: null }), buildPart(1), buildPart(2)],
    RangeError,
    "split.no is missing, 0 is wanted",
  ],
  [
    "a tensor is missing",
    [buildPart(0, { tensorCount: 5 }), buildPart(1), buildPart(2)],
    RangeError,
    "split.tensors.count is 5, 4 is wanted",
  ],
  [
    "a tensor is in two of them",
    [buildPart(0), buildPart(1, { names: ["b"] }), buildPart(2)],
    SyntaxError,
    '-00002-of-00003.gguf" has the tensor "b", which an earlier one has too',
  ],
  [
    "one is truncated",
    [buildPart(0), buildPart(1).subarray(0, -1), buildPart(2)],
    RangeError,
    '-00002-of-00003.gguf": truncated data, tensor "c" ends',
  ],
  [
    "one is cut within its header",
    [buildPart(0).subarray(0, 50), buildPart(1), buildPart(2)],
    RangeError,
    '-00001-of-00003.gguf": ',
  ],
  [
    "split.no is text",
    [
      buildPart(0),
      buildGguf({ metadata: { "split.no": string("1") } }),
      buildPart(2),
    ],
    RangeError,
    "split.no is missing, 1 is wanted",
  ],
];

for (const [what, parts, kind, message] of REFUSED) {
  Deno.test(`readGguf() refuses a split file when ${what}`, async () => {
    await withParts(parts, async (path) => {
      await using source = await openSource(path(1));
      await assertRejects(() => readGguf(source), kind, message);
    });
  });
}

Deno.test("readGguf() refuses a part alone, and takes what says that it is whole", async () => {
  await assertRejects(
    async () => await readGguf(await openSource(buildPart(1))),
    Error,
    'Cannot read "Uint8Array": it is part 2 of 3 parts, a path is wanted',
  );
  for (const count of [0, 1]) {
    const file = await readGguf(await openSource(buildPart(0, { count })));
    assertEquals(file.tensors.size, 2);
  }
  const odd = buildGguf({
    metadata: { "split.count": array("u8", [1]), "split.no": u32(3) },
  });
  assertEquals((await readGguf(await openSource(odd))).tensors.size, 0);
});
