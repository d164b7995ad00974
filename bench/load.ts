/**
 * Measures how fast weights come from the page cache to the GPU, beside a plain
 * loop that reads a file and writes it to buffers: what no loading can be faster
 * than.
 *
 *     deno run -A bench/load.ts model.gguf [ROUNDS]
 *     deno run -A bench/load.ts q4_0:1024 [ROUNDS]
 *
 * The second form makes a file of so many MiB of that format, all zeros, and
 * removes it. Both are measured in turns; what is printed are medians.
 *
 * @module
 */

import { printStatus, writeLine } from "../cli/output.ts";
import { FingerprintedSource } from "../src/gguf/fingerprint.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { architectureOf } from "../src/model/architectures.ts";
import { loadWeights } from "../src/model/weights.ts";
import { makeHugeFile } from "../tests/huge_model.ts";

const PLAIN_CHUNK_BYTES = 16 * 2 ** 20;
const PLAIN_BUFFER_BYTES = 128 * 2 ** 20;

/** Bytes of the weights, and seconds that they took. */
interface Run {
  bytes: number;
  seconds: number;
}

/** Reads the whole file, and writes it to buffers of its size. */
async function readPlainly({ device }: Gpu, path: string): Promise<Run> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  using pool = new BufferPool(device);
  const chunk = new Uint8Array(PLAIN_CHUNK_BYTES);
  const start = performance.now();
  let bytes = 0;
  while (bytes < size) {
    const buffer = pool.create({ label: "plain", size: PLAIN_BUFFER_BYTES });
    for (let at = 0; at < PLAIN_BUFFER_BYTES && bytes < size;) {
      const count = await file.read(
        chunk.subarray(0, Math.min(chunk.length, PLAIN_BUFFER_BYTES - at)),
      );
      if (count === null) break;
      const whole = count - count % 4;
      device.queue.writeBuffer(buffer, at, chunk, 0, whole);
      device.queue.submit([]);
      at += whole;
      bytes += count;
    }
    // As loading has to: copies of all of it would take the memory twice.
    await device.queue.onSubmittedWorkDone();
  }
  const seconds = (performance.now() - start) / 1e3;
  await pool.check("the plain buffers");
  return { bytes, seconds };
}

/** Loads the weights, as `loadModel()` does. */
async function loadAll(gpu: Gpu, path: string): Promise<Run> {
  await using source = new FingerprintedSource(await openSource(path));
  const file = await readGguf(source);
  const architecture = architectureOf(file);
  const config = architecture.readConfig(file);
  const tensors = architecture.findTensors(file, config);
  await source.takeHeader(file);
  using pool = new BufferPool(gpu.device);
  const start = performance.now();
  await loadWeights({ gpu, pool }, { source, tensors });
  const seconds = (performance.now() - start) / 1e3;
  const bytes = file.tensors.values().reduce((sum, t) => sum + t.bytes, 0);
  return { bytes, seconds };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function measure(path: string, rounds: number): Promise<void> {
  const gpu = await requestGpu();
  const rates: Record<"plain" | "load", number[]> = { plain: [], load: [] };
  const ratios: number[] = [];
  // One round to fill the page cache and compile kernels.
  for (let round = 0; round <= rounds; round++) {
    const plain = await readPlainly(gpu, path);
    const load = await loadAll(gpu, path);
    if (round === 0) continue;
    const rate = ({ bytes, seconds }: Run) => bytes / seconds / 1e9;
    rates.plain.push(rate(plain));
    rates.load.push(rate(load));
    ratios.push(rate(load) / rate(plain));
  }
  gpu.device.destroy();
  const { rss } = Deno.memoryUsage();
  writeLine(
    `${gpu.info.description}: plain ${median(rates.plain).toFixed(2)} GB/s, ` +
      `load ${median(rates.load).toFixed(2)} GB/s, ratio ${
        median(ratios).toFixed(2)
      } (${ratios.map((r) => r.toFixed(2)).join(" ")}), rss ${
        (rss / 2 ** 20).toFixed(0)
      } MiB`,
  );
}

const [input, rounds = "5"] = Deno.args;
if (input === undefined) {
  printStatus("usage: bench/load.ts FILE|TYPE:MIB [ROUNDS]");
  Deno.exit(2);
}
const made = /^(\w+):(\d+)$/.exec(input);
if (made === null) await measure(input, Number(rounds));
else {
  await using file = await makeHugeFile(made[1]!, Number(made[2]));
  await measure(file.path, Number(rounds));
}
