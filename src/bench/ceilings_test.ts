import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../gpu/buffers.ts";
import { download, gpuTest, run } from "../../tests/gpu.ts";
import { measureCeilings, openTimer } from "./ceilings.ts";
import { createStream, LANE_BYTES } from "./loads.ts";

for (const consecutive of [false, true]) {
  gpuTest(
    `createStream() reads every word (consecutive ${consecutive})`,
    async (gpu) => {
      using pool = new BufferPool(gpu.device);
      const magic = 0x9e3779b9;
      const groups = 3;
      const size = groups * 64 * LANE_BYTES;
      const x = pool.create({ label: "x", size });
      const { record, work } = await createStream({ gpu, pool }, x, {
        workgroup: 64,
        consecutive,
      });
      assertEquals(work, size);
      const y = pool.create({ label: "y", size: 4 * 64 });
      const pipeline = gpu.pipelines.get(
        `bench.stream {"WORKGROUP_SIZE":64,"CONSECUTIVE":${
          consecutive ? 1 : 0
        }}`,
      );
      const group = gpu.device.createBindGroup({
        layout: (await pipeline!).getBindGroupLayout(0),
        entries: [y, x].map((buffer, binding) => ({
          binding,
          resource: { buffer },
        })),
      });
      await pool.check("the test");
      // A lane writes when the words it reads have the magic number's parity.
      const words = new Uint32Array(size / 4);
      for (const place of [0, 5 * 256 + 7, words.length - 1]) {
        words.fill(0);
        words[place] = magic;
        gpu.device.queue.writeBuffer(x, 0, words);
        gpu.device.queue.writeBuffer(y, 0, new Uint32Array(64).fill(1));
        run(gpu, (pass) => {
          record(pass, 0); // its pipeline
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(groups);
        });
        const word = place >> 2;
        const lane = (consecutive ? word >> 4 : word) % 64;
        const written = new Uint32Array((await download(gpu, y)).buffer);
        const changed = [...written.entries()].filter(([, value]) =>
          value !== 1
        );
        assertEquals(changed, [[lane, place % 4 === 0 ? magic : 0]]);
      }
    },
  );
}

gpuTest("measureCeilings() gives rates of this device", async (gpu) => {
  using timer = await openTimer(gpu);
  const ceilings = await measureCeilings(gpu, {
    timer,
    streamBytes: 2 ** 22,
    repetitions: 3,
    seconds: 0.002,
  });
  for (const [name, value] of Object.entries(ceilings)) {
    // Between a very slow and a very fast device of our time.
    assert(value > 1e6 && value < 1e16, `${name}: ${value}`);
  }
});
