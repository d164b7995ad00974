import { assertEquals, assertInstanceOf } from "@std/assert";
import { gpuTest, upload } from "../../tests/gpu.ts";
import type { Gpu } from "./gpu.ts";
import {
  createReadback,
  probeSyncReadback,
  type Readback,
} from "./readback.ts";

/** Submits a copy of these words into the staging buffer. */
function copy(gpu: Gpu, { buffer }: Readback, words: Uint32Array<ArrayBuffer>) {
  const source = upload(gpu, words);
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, buffer, 0, words.byteLength);
  gpu.device.queue.submit([encoder.finish()]);
  source.destroy();
}

gpuTest("probeSyncReadback() holds in Deno", async ({ device }) => {
  assertEquals(await probeSyncReadback(device), true);
});

for (const mapped of [new ArrayBuffer(16), undefined]) {
  const what = mapped === undefined ? "throws" : "has other bytes";
  Deno.test(`probeSyncReadback() does not hold when the range ${what}`, async () => {
    const buffers: { destroyed: boolean }[] = [];
    const device = {
      queue: { writeBuffer() {}, submit() {} },
      createCommandEncoder: () => ({ copyBufferToBuffer() {}, finish() {} }),
      createBuffer() {
        const buffer = {
          destroyed: false,
          unmap() {},
          destroy: () => void (buffer.destroyed = true),
          mapAsync: () => Promise.reject(new Error("unmapped")),
          getMappedRange() {
            if (mapped === undefined) throw new Error("not mapped yet");
            return mapped;
          },
        };
        buffers.push(buffer);
        return buffer;
      },
    } as unknown as GPUDevice;
    assertEquals(await probeSyncReadback(device), false);
    assertEquals(buffers.map(({ destroyed }) => destroyed), [true, true]);
  });
}

gpuTest("Readback.read() is right every time when it is sync", (gpu) => {
  const readback = createReadback(gpu.device, { size: 64, sync: true });
  for (let step = 0; step < 200; step++) {
    const words = Uint32Array.from({ length: 16 }, (_, i) => 1000 * step + i);
    copy(gpu, readback, words);
    const bytes = readback.read(64);
    assertInstanceOf(bytes, ArrayBuffer);
    assertEquals(new Uint32Array(bytes), words);
  }
  readback.buffer.destroy();
  return Promise.resolve();
});

gpuTest(
  "Readback.read() is right every time when it is not sync",
  async (gpu) => {
    const readback = createReadback(gpu.device, { size: 64, sync: false });
    for (let step = 0; step < 5; step++) {
      const words = Uint32Array.from({ length: 16 }, (_, i) => 1000 * step + i);
      copy(gpu, readback, words);
      const bytes = readback.read(64);
      assertInstanceOf(bytes, Promise);
      assertEquals(new Uint32Array(await bytes), words);
    }
    readback.buffer.destroy();
  },
);

for (const sync of [true, false]) {
  gpuTest(
    `Readback.read() returns as many bytes as it is asked for (sync ${sync})`,
    async (gpu) => {
      const readback = createReadback(gpu.device, { size: 64, sync });
      copy(gpu, readback, Uint32Array.of(7, 8, 9));
      const bytes = await readback.read(8);
      assertEquals(new Uint32Array(bytes), Uint32Array.of(7, 8));
      // The result is a copy: the next one leaves it alone.
      copy(gpu, readback, Uint32Array.of(1, 2, 3));
      await readback.read(12);
      assertEquals(new Uint32Array(bytes), Uint32Array.of(7, 8));
      readback.buffer.destroy();
    },
  );
}
