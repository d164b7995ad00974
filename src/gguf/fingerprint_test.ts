import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { FingerprintedSource } from "./fingerprint.ts";
import { openSource } from "./source.ts";

const SIZE = 300_000;

function file(changed?: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: SIZE }, (_, i) => i * 7 >> 3);
  if (changed !== undefined) bytes[changed]! ^= 1;
  return bytes;
}

async function fingerprintOf(
  bytes: Uint8Array<ArrayBuffer>,
  chunk = SIZE,
): Promise<string> {
  await using source = new FingerprintedSource(await openSource(bytes));
  for (let offset = 0; offset < bytes.length; offset += chunk) {
    const part = new Uint8Array(Math.min(chunk, bytes.length - offset));
    await source.readInto(part, offset);
  }
  return source.fingerprint;
}

Deno.test("a FingerprintedSource gives the same fingerprint however it is read", async () => {
  const whole = await fingerprintOf(file());
  assert(/^[0-9a-f]{64}$/.test(whole));
  for (const chunk of [1000, 4096, 65536, 65537, 200_000]) {
    assertEquals(await fingerprintOf(file(), chunk), whole, `${chunk}`);
  }
});

Deno.test("a FingerprintedSource tells files apart by samples and by size", async () => {
  const whole = await fingerprintOf(file());
  for (const at of [0, 4095, 65536, 4 * 65536 + 100]) {
    assertNotEquals(await fingerprintOf(file(at)), whole, `${at}`);
  }
  assertNotEquals(await fingerprintOf(file().slice(0, -1)), whole);
});
