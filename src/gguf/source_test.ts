import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type LocalInput, openSource } from "./source.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);

async function withFile(run: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: " ü#.gguf" });
  try {
    await Deno.writeFile(path, BYTES);
    await run(path);
  } finally {
    await Deno.remove(path);
  }
}

/** A `file:` URL, its special characters escaped. */
function fileUrl(path: string): URL {
  const url = new URL("file:///");
  url.pathname = path.replaceAll("%", "%25");
  return url;
}

async function readAt(input: LocalInput, offset: number, length: number) {
  await using source = await openSource(input);
  const target = new Uint8Array(length);
  await source.readInto(target, offset);
  return target;
}

Deno.test("openSource() reads every kind of input", async () => {
  await withFile(async (path) => {
    const url = fileUrl(path);
    const shifted = new Uint8Array([9, ...BYTES, 9]).subarray(1, 1001);
    for (const input of [path, url, url.href, shifted, new Blob([BYTES])]) {
      assertEquals(await readAt(input, 0, 1000), BYTES);
      assertEquals(await readAt(input, 123, 45), BYTES.subarray(123, 168));
      assertEquals(await readAt(input, 1000, 0), new Uint8Array());
    }
  });
});

Deno.test("openSource() gives the size and what errors call it", async () => {
  await withFile(async (path) => {
    const url = fileUrl(path);
    const labels: [LocalInput, string][] = [
      [path, path],
      [url, url.href],
      [BYTES, "Uint8Array"],
      [new Blob([BYTES]), "Blob"],
    ];
    for (const [input, label] of labels) {
      await using source = await openSource(input);
      assertEquals([source.label, source.size], [label, 1000]);
    }
  });
});

Deno.test("readInto() keeps reads apart when they overlap in time", async () => {
  await withFile(async (path) => {
    await using source = await openSource(path);
    const targets = Array.from({ length: 100 }, () => new Uint8Array(50));
    await Promise.all(targets.map((target, i) => source.readInto(target, i)));
    for (const [i, target] of targets.entries()) {
      assertEquals(target, BYTES.subarray(i, i + 50));
    }
  });
});

Deno.test("readInto() says where the source ends when it is too short", async () => {
  await withFile(async (path) => {
    for (const input of [path, BYTES, new Blob([BYTES])]) {
      await using source = await openSource(input);
      await assertRejects(
        () => source.readInto(new Uint8Array(2), 999),
        RangeError,
        `Cannot read "${source.label}": it ends at byte 1000, ` +
          "bytes 999 to 1001 are wanted",
      );
    }
  });
});

Deno.test("readInto() refuses an offset that is no place in a file", async () => {
  await using source = await openSource(BYTES);
  for (const offset of [-1, 0.5, NaN]) {
    await assertRejects(
      () => source.readInto(new Uint8Array(1), offset),
      RangeError,
      `the offset is ${offset}`,
    );
  }
});

Deno.test("readInto() fails when the file is cut while open, and goes on after", async () => {
  await withFile(async (path) => {
    await using source = await openSource(path);
    await Deno.truncate(path, 400);
    const cut = source.readInto(new Uint8Array(100), 350);
    const target = new Uint8Array(10);
    const next = source.readInto(target, 10);
    await assertRejects(
      () => cut,
      RangeError,
      "it was cut to 400 bytes while open, it had 1000",
    );
    await next;
    assertEquals(target, BYTES.subarray(10, 20));
  });
});

Deno.test("readInto() fails when the source was disposed", async () => {
  await withFile(async (path) => {
    for (const input of [path, BYTES, new Blob([BYTES])]) {
      const source = await openSource(input);
      await source[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await assertRejects(
        () => source.readInto(new Uint8Array(1), 0),
        TypeError,
        "it was closed before",
      );
    }
  });
});

Deno.test("openSource() lets a read finish when it is disposed meanwhile", async () => {
  await withFile(async (path) => {
    const source = await openSource(path);
    const target = new Uint8Array(1000);
    const read = source.readInto(target, 0);
    await source[Symbol.asyncDispose]();
    await read;
    assertEquals(target, BYTES);
  });
});

Deno.test("openSource() says so when there is no such file", async () => {
  for (const input of ["no/such.gguf", new URL("file:///no/such.gguf"), ""]) {
    const error = await assertRejects(() => openSource(input), Error);
    assertEquals(error.message, `Cannot open model "${input}": no such file`);
    assertInstanceOf(error.cause, Deno.errors.NotFound);
  }
});

Deno.test("openSource() refuses what is not a regular file", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await assertRejects(
      () => openSource(directory),
      Error,
      `Cannot open model "${directory}": it is a directory, a file is wanted`,
    );
  } finally {
    await Deno.remove(directory);
  }
  if (Deno.build.os !== "windows") {
    await assertRejects(
      () => openSource("/dev/null"),
      Error,
      "it is not a regular file",
    );
  }
});

Deno.test({
  name: "openSource() says so when Deno may not read the file",
  permissions: { read: false },
  fn: async () => {
    const error = await assertRejects(
      () => openSource("deno.json"),
      Error,
      'Cannot open model "deno.json": no permission to read it, ' +
        "run Deno with --allow-read",
    );
    assertInstanceOf(error.cause, Deno.errors.NotCapable);
  },
});

Deno.test("openSource() refuses URLs that are not of a local file", async () => {
  const http = "https://example.com/model.gguf";
  for (const input of [http, new URL(http)]) {
    await assertRejects(
      () => openSource(input),
      TypeError,
      `Cannot open model "${http}": its scheme is "https:", ` +
        "only local files are supported",
    );
  }
  await assertRejects(() => openSource("http://["), TypeError, "valid URL");
});

Deno.test("openSource() refuses other types of input", async () => {
  const inputs: [unknown, string][] = [
    [undefined, "it is undefined"],
    [null, "it is null"],
    [7, "it is of type Number"],
    [new ArrayBuffer(1), "it is of type ArrayBuffer"],
    [Object.create(null), "it is of type object"],
  ];
  for (const [input, message] of inputs) {
    await assertRejects(
      () => openSource(input as LocalInput),
      TypeError,
      `Cannot open model: ${message}`,
    );
  }
});
