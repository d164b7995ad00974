import { assertEquals } from "@std/assert";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import { kernelTest } from "../../tests/kernels.ts";
import {
  readSampling,
  Sampler,
  type SamplingOptions,
} from "../generate/sampler.ts";
import {
  controlBufferBytes,
  controlWords,
  laneOffset,
  laneWords,
} from "./control.ts";
import {
  createSample,
  createSampleBuffers,
  writeLane,
  writeRule,
} from "./sample.ts";
import { NOT_A_NUMBER } from "./sample_cpu.ts";

const SIZE = 300;
const STEPS = 4;

/** One part each: how its token is chosen, and where it is. */
const PARTS: { options: SamplingOptions; position: number; chosen: number }[] =
  [
    { options: {}, position: 7, chosen: 0 },
    { options: { temperature: 1, seed: 3 }, position: 0, chosen: 5 },
    {
      options: { temperature: 2, seed: 3, topK: 9, repeatPenalty: 2 },
      position: 70,
      chosen: 1,
    },
    { options: { repeatPenalty: 1.5, repeatLastN: 2 }, position: 1, chosen: 0 },
  ];

kernelTest("each part of a batch goes on by its own rule", async (scope) => {
  const { gpu, pool } = scope;
  const { device } = gpu;
  const shape = { size: SIZE, stride: SIZE + 4, context: 16 };
  const control = pool.create({
    label: "control",
    size: controlBufferBytes(PARTS.length),
  });
  const rows = randomFloats(PARTS.length * shape.stride, 5)
    .map((x) => 4 * x);
  const source = upload(gpu, rows);
  const logits = pool.create({ label: "logits", size: rows.byteLength });
  const chosen = upload(gpu, new Uint32Array(64).fill(77));
  const sample = await createSample(scope);
  const parts = PARTS.map(({ options }, lane) => {
    const own = createSampleBuffers(pool, shape);
    const sampling = readSampling(options, shape.context);
    const { rule } = sampling;
    writeRule(device, own, { shape, rule, history: [1, 2] });
    writeLane(device, own, laneOffset(control, lane) / 4);
    return {
      kernel: sample.bind({ logits, control, chosen, own }).sample,
      sampler: new Sampler(sampling, [1, 2]),
    };
  });
  const ids = PARTS.map((_, i) => 10 + i);
  device.queue.writeBuffer(
    control,
    0,
    controlWords({ ids, position: 0, headFirst: 0, headRows: PARTS.length }),
  );
  device.queue.writeBuffer(
    control,
    laneOffset(control, 0),
    laneWords(PARTS.map(({ position, chosen }, first) => ({
      ...{ rows: 1, position, first, chosen, chosenAt: first * STEPS },
    }))),
  );
  for (let step = 0; step < STEPS; step++) {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, logits, 0, rows.byteLength);
    device.queue.submit([encoder.finish()]);
    for (const { kernel } of parts) run(gpu, kernel);
  }
  const actual = new Uint32Array((await download(gpu, chosen)).buffer);
  const words = new Uint32Array((await download(gpu, control)).buffer);
  for (const [lane, { sampler }] of parts.entries()) {
    const { position, chosen } = PARTS[lane]!;
    const start = lane * shape.stride;
    const row = rows.subarray(start, start + SIZE);
    const expected = Array.from(
      { length: STEPS },
      (_, step) => sampler.sample(row, chosen + step),
    );
    const own = actual.subarray(lane * STEPS, (lane + 1) * STEPS);
    assertEquals([...own], expected, `part ${lane}`);
    // The token is what the row goes on with, at the next position.
    assertEquals(words[128 + lane], expected.at(-1));
    const at = laneOffset(control, lane) / 4;
    assertEquals([...words.subarray(at, at + 3)], [1, position + STEPS, lane]);
  }
  // The batch itself stays.
  assertEquals([...words.subarray(0, 3)], [PARTS.length, 0, 0]);
  assertEquals(actual[PARTS.length * STEPS], 77);
});

kernelTest(
  "a part whose logits are no numbers leaves the others alone",
  async (scope) => {
    const { gpu, pool } = scope;
    const { device } = gpu;
    const shape = { size: SIZE, stride: SIZE, context: 4 };
    const control = pool.create({
      label: "control",
      size: controlBufferBytes(2),
    });
    const rows = randomFloats(2 * SIZE, 6);
    rows[17] = NaN;
    rows[SIZE + 99] = 50;
    const logits = upload(gpu, rows);
    const chosen = upload(gpu, new Uint32Array(64));
    const sample = await createSample(scope);
    device.queue.writeBuffer(
      control,
      laneOffset(control, 0),
      laneWords([0, 1].map((first) => ({
        ...{ rows: 1, position: 0, first, chosenAt: first },
      }))),
    );
    for (const lane of [0, 1]) {
      const own = createSampleBuffers(pool, shape);
      const { rule } = readSampling();
      writeRule(device, own, { shape, rule });
      writeLane(device, own, laneOffset(control, lane) / 4);
      run(gpu, sample.bind({ logits, control, chosen, own }).argmax);
    }
    const actual = new Uint32Array((await download(gpu, chosen)).buffer);
    assertEquals([...actual.subarray(0, 2)], [NOT_A_NUMBER, 99]);
  },
);
