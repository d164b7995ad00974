// deno-lint-ignore-file camelcase -- llama-bench's names
/**
 * Writes what `bench/gpu.sh` measured to `bench/results/<device>.{json,md}`.
 *
 * @module
 */

import type { Diagnosis } from "../mod.ts";

interface Encode {
  llama13b: { encodeMs: number; finishMs: number };
  narrow: { submitMs: number };
  stepMs: number;
}

interface Probe {
  streamGBs: number;
  fmaGFlops: number;
  dot4GOps: number;
  submitAndReadUs: number;
  dependentDispatchUs: number;
  independentDispatchUs: number;
  matvec: {
    format: string;
    rows: number;
    cols: number;
    reduce: string;
    us: number;
    gbs: number;
    ofStream: number;
  }[];
}

interface ModelRow {
  model_filename: string;
  model_type: string;
  n_prompt: number;
  n_gen: number;
  avg_ts: number;
  stddev_ts: number;
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(path)) as T;
}

const [folder, tests] = Deno.args;
const doctor = await read<Diagnosis>(`${folder}/doctor.json`);
const encode = await read<Encode>(`${folder}/encode.json`);
const probe = await read<Probe>(`${folder}/probe.json`);
const models = (await Deno.readTextFile(`${folder}/models.jsonl`))
  .trim().split("\n").map((line) => JSON.parse(line) as ModelRow);

const device = doctor.adapter.description || doctor.adapter.vendor;
const failed = doctor.selfTest.filter(({ ok }) => !ok);
const date = new Date().toISOString().slice(0, 10);
const lines = [
  `# ${device}`,
  "",
  `${date}, ${doctor.runtime}, by \`bash bench/gpu.sh\`.`,
  "",
  `- subgroups: ${doctor.subgroupSize || "none"}`,
  `- read-back: ${doctor.syncReadback ? "synchronous" : "awaited"}`,
  `- self-test: ${doctor.selfTest.length - failed.length} kernels right, ` +
  `${failed.length} wrong; kernel tests ${tests}`,
  `- CPU cost of a llama13b-shaped step: ${encode.stepMs.toFixed(3)} ms ` +
  `(encode ${encode.llama13b.encodeMs.toFixed(3)}, finish ${
    encode.llama13b.finishMs.toFixed(3)
  }, submit ${encode.narrow.submitMs.toFixed(3)})`,
  `- streaming reads ${probe.streamGBs.toFixed(1)} GB/s, FMA ${
    probe.fmaGFlops.toFixed(0)
  } GFLOP/s, dot4I8Packed ${probe.dot4GOps.toFixed(0)} GOP/s`,
  `- a submit with read-back ${
    probe.submitAndReadUs.toFixed(0)
  } us; one more dispatch ${
    probe.dependentDispatchUs.toFixed(2)
  } us dependent, ${probe.independentDispatchUs.toFixed(2)} us independent`,
  "",
  "| matvec | shape | reduce | us | GB/s | of streaming |",
  "| --- | --- | --- | ---: | ---: | ---: |",
  ...probe.matvec.map((row) =>
    `| ${row.format} | ${row.rows} x ${row.cols} | ${row.reduce} | ${
      row.us.toFixed(1)
    } | ${row.gbs.toFixed(1)} | ${(100 * row.ofStream).toFixed(0)} % |`
  ),
  "",
  "| model | file | test | tokens/s |",
  "| --- | --- | ---: | ---: |",
  ...models.map((row) =>
    `| ${row.model_type} | ${row.model_filename} | ${
      row.n_prompt > 0 ? `pp${row.n_prompt}` : `tg${row.n_gen}`
    } | ${row.avg_ts.toFixed(1)} ± ${row.stddev_ts.toFixed(1)} |`
  ),
  "",
];

const name = device.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  .replaceAll(/^-|-$/g, "");
const results = new URL("results/", import.meta.url);
await Deno.mkdir(results, { recursive: true });
await Deno.writeTextFile(
  new URL(`${name}.json`, results),
  JSON.stringify({ date, doctor, encode, probe, tests, models }, null, 2) +
    "\n",
);
await Deno.writeTextFile(new URL(`${name}.md`, results), lines.join("\n"));
await Deno.stdout.write(new TextEncoder().encode(lines.join("\n")));
