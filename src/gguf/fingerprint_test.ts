import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { loadEngine } from "../engine/load.ts";
import { makeModel } from "../../tests/models.ts";
import { FingerprintedSource } from "./fingerprint.ts";
import type { TensorInfo } from "./reader.ts";
import type { ByteSource } from "./source.ts";

const HEADER = 1_500_000;
const END = HEADER + 300_000;
const LARGE = 2 ** 30;
/** Where tensors start: the second is small, and between two stretches. */
const STARTS = [HEADER, HEADER + 102_400, HEADER + 102_528];

/** A file whose bytes are made as they are read, all but one the same. */
function source(size: number, changed?: number): ByteSource {
  return {
    label: "made",
    size,
    readInto(bytes, offset) {
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] = (offset + i) * 7 >> 3;
        if (offset + i === changed) bytes[i]! ^= 1;
      }
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function fingerprintOf(
  { size = END, changed, chunk = END }: {
    size?: number;
    changed?: number;
    chunk?: number;
  },
): Promise<string> {
  await using made = new FingerprintedSource(source(size, changed));
  // What was read before the header was taken does not count.
  await made.readInto(new Uint8Array(chunk % 100), 0);
  await made.takeHeader({
    headers: [{ offset: 0, end: HEADER }],
    // As the header has them, in any order.
    tensors: new Map(
      STARTS.toReversed().map((
        offset,
      ) => [`${offset}`, { offset } as TensorInfo]),
    ),
  });
  for (let offset = HEADER; offset < END; offset += chunk) {
    await made.readInto(
      new Uint8Array(Math.min(chunk, END - offset)),
      offset,
    );
  }
  return made.fingerprint;
}

Deno.test("a FingerprintedSource gives the same fingerprint however it is read", async () => {
  for (const size of [END, LARGE]) {
    const whole = await fingerprintOf({ size });
    assert(/^[0-9a-f]{64}$/.test(whole));
    for (const chunk of [99, 1000, 4096, 65536, 65537, 200_000]) {
      const other = await fingerprintOf({ size, chunk });
      assertEquals(other, whole, `${size} ${chunk}`);
    }
  }
});

Deno.test("a FingerprintedSource sees each byte of a header and of a small file", async () => {
  const whole = await fingerprintOf({});
  const large = await fingerprintOf({ size: LARGE });
  for (const changed of [0, 4097, 70_000, 1_048_576, HEADER - 1]) {
    assertNotEquals(await fingerprintOf({ changed }), whole, `${changed}`);
    const other = await fingerprintOf({ changed, size: LARGE });
    assertNotEquals(other, large, `${changed}`);
  }
  for (const changed of [HEADER, HEADER + 300, HEADER + 5000, END - 1]) {
    assertNotEquals(await fingerprintOf({ changed }), whole, `${changed}`);
  }
  assertNotEquals(await fingerprintOf({ size: END + 1 }), whole);
});

Deno.test("a FingerprintedSource sees samples of each tensor when a file is large", async () => {
  const size = LARGE;
  const whole = await fingerprintOf({ size });
  const seen = [
    0,
    255,
    4096,
    4351,
    102_400,
    102_527,
    102_528,
    102_783,
    106_624,
  ];
  for (const at of seen) {
    const changed = HEADER + at;
    assertNotEquals(await fingerprintOf({ size, changed }), whole, `${at}`);
  }
  for (const at of [256, 4095, 4352, 102_784]) {
    const changed = HEADER + at;
    assertEquals(await fingerprintOf({ size, changed }), whole, `${at}`);
  }
});

Deno.test("loadEngine() gives one fingerprint for bytes, a Blob and a file, and another where a weight is", async () => {
  const bytes = makeModel({});
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    const changed = bytes.slice();
    changed[changed.length - 2000]! ^= 1;
    const prints: string[] = [];
    for (const input of [bytes, new Blob([bytes]), path, changed]) {
      const { engine } = await loadEngine(input, {});
      prints.push(engine.fingerprint);
      await engine[Symbol.asyncDispose]();
    }
    assertEquals(prints[1], prints[0]);
    assertEquals(prints[2], prints[0]);
    assertNotEquals(prints[3], prints[0]);
  } finally {
    await Deno.remove(path);
  }
});
