// deno-lint-ignore-file camelcase -- llama-bench's names
/**
 * Writes what `bench/gpu.sh` measured to `bench/results/<device>.{json,md,svg}`.
 *
 * @module
 */

import type { Diagnosis } from "../mod.ts";
import type { Probe } from "./probe.ts";
import {
  compactKernels,
  type KernelRow,
  reportKernels,
} from "./report_kernels.ts";

interface Encode {
  llama13b: { encodeMs: number; finishMs: number };
  narrow: { submitMs: number };
  stepMs: number;
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

async function readLines<T>(path: string): Promise<T[]> {
  const lines = (await Deno.readTextFile(path)).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

const [folder, tests, products] = Deno.args;
const doctor = await read<Diagnosis>(`${folder}/doctor.json`);
const encode = await read<Encode>(`${folder}/encode.json`);
const probe = await read<Probe>(`${folder}/probe.json`);
const kernels = await readLines<KernelRow>(`${folder}/kernels.jsonl`);
const models = await readLines<ModelRow>(`${folder}/models.jsonl`);

const device = doctor.adapter.description || doctor.adapter.vendor;
const name = device.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  .replaceAll(/^-|-$/g, "");
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
  `${failed.length} wrong; kernel tests ${tests}; kernel benchmark ${products}`,
  `- CPU cost of a llama13b-shaped step: ${encode.stepMs.toFixed(3)} ms ` +
  `(encode ${encode.llama13b.encodeMs.toFixed(3)}, finish ${
    encode.llama13b.finishMs.toFixed(3)
  }, submit ${encode.narrow.submitMs.toFixed(3)})`,
  `- streaming reads ${probe.streamGBs.toFixed(1)} GB/s, FMA ${
    probe.fmaGFlops.toFixed(0)
  } GFLOP/s, dot4I8Packed ${probe.dot4GFlops.toFixed(0)} GFLOP/s`,
  `- a submit with read-back ${
    probe.submitAndReadUs.toFixed(0)
  } us; one more dispatch ${
    probe.dependentDispatchUs.toFixed(2)
  } us dependent, ${probe.independentDispatchUs.toFixed(2)} us independent`,
  "",
  "## Models",
  "",
  "| model | file | test | tokens/s |",
  "| --- | --- | ---: | ---: |",
  ...models.map((row) =>
    `| ${row.model_type} | ${row.model_filename} | ${
      row.n_prompt > 0 ? `pp${row.n_prompt}` : `tg${row.n_gen}`
    } | ${row.avg_ts.toFixed(1)} ± ${row.stddev_ts.toFixed(1)} |`
  ),
  "",
  ...reportKernels(kernels, `${name}.svg`),
];

const results = new URL("results/", import.meta.url);
await Deno.mkdir(results, { recursive: true });
await Deno.writeTextFile(
  new URL(`${name}.json`, results),
  layOut({
    date,
    doctor,
    encode,
    probe,
    tests,
    products,
    models,
    kernels: compactKernels(kernels),
  }),
);
await Deno.writeTextFile(new URL(`${name}.md`, results), lines.join("\n"));
if (kernels.length > 0) {
  await Deno.copyFile(
    `${folder}/roofline.svg`,
    new URL(`${name}.svg`, results),
  );
}
await Deno.stdout.write(new TextEncoder().encode(lines.join("\n")));

/** JSON of a line for each measured kernel: hundreds of them stay readable. */
function layOut(
  value: { kernels: { rows: readonly unknown[] }; [name: string]: unknown },
): string {
  const { kernels: { rows, ...shared }, ...others } = value;
  const mark = "the rows";
  const text = JSON.stringify(
    { ...others, kernels: { ...shared, rows: mark } },
    null,
    2,
  );
  const list = rows.map((row) => `      ${JSON.stringify(row)}`).join(",\n");
  return text.replace(`"${mark}"`, () => `[\n${list}\n    ]`) + "\n";
}
