import { assert, assertEquals, assertGreater } from "@std/assert";
import { gpuTest } from "../../tests/gpu.ts";
import { meterCommands } from "./command_meter.ts";

gpuTest(
  "meterCommands() counts encoding and submitting, and no waiting",
  async ({ device }) => {
    const buffer = device.createBuffer({
      size: 16,
      usage: GPUBufferUsage.COPY_DST,
    });
    const meter = meterCommands(device);
    assertEquals(meter.ms, 0);
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(buffer);
    while (performance.now() < start + 5);
    const commands = encoder.finish();
    const encoded = meter.ms;
    assertGreater(encoded, 5 - 0.1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(meter.ms, encoded);
    device.queue.submit([commands]);
    assertGreater(meter.ms, encoded);
    meter.reset();
    assertEquals(meter.ms, 0);
    device.queue.writeBuffer(buffer, 0, new Uint32Array(4));
    assertGreater(meter.ms, 0);
    meter[Symbol.dispose]();
    for (const object of [device, device.queue]) {
      assertEquals(Object.keys(object).includes("submit"), false);
      assertEquals(Object.hasOwn(object, "createCommandEncoder"), false);
    }
    assert(device.createCommandEncoder().finish() !== undefined);
    buffer.destroy();
  },
);
