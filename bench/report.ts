/**
 * Writes what `bench/gpu.sh` measured to `bench/results/<device>.{json,md,svg}`.
 * A part that was not done is left out.
 *
 * @module
 */

import type { BenchRow } from "../cli/bench_rows.ts";
import type { Diagnosis, ModelProfile } from "../mod.ts";
import type { EncodeResult } from "./encode.ts";
import type { Probe } from "./probe.ts";
import {
  compactKernels,
  type KernelRow,
  reportKernels,
} from "./report_kernels.ts";
import { reportModels, reportProfiles } from "./report_models.ts";

const [folder] = Deno.args;

/** A file that a part of the measurement wrote, `""` where there is none. */
async function read(name: string): Promise<string> {
  try {
    return (await Deno.readTextFile(`${folder}/${name}`)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function readJson<T>(name: string): Promise<T | undefined> {
  const text = await read(name);
  return text === "" ? undefined : JSON.parse(text) as T;
}

async function readLines<T>(name: string): Promise<T[]> {
  const lines = (await read(name)).split("\n");
  return lines.flatMap((line) => {
    // The last one may be cut, where the part was ended.
    try {
      return line === "" ? [] : [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}

function reportDoctor(
  { subgroupSize, syncReadback, selfTest }: Diagnosis,
): string[] {
  const right = selfTest.filter(({ ok }) => ok).length;
  return [
    `- subgroups: ${subgroupSize || "none"}`,
    `- read-back: ${syncReadback ? "synchronous" : "awaited"}`,
    `- self-test: ${right} kernels right, ${selfTest.length - right} wrong`,
  ];
}

function reportEncode({ depths }: EncodeResult): string[] {
  return depths.map(({ depth, llama13b, narrow, stepMs }) =>
    `- CPU cost of a llama13b-shaped step at depth ${depth}: ${
      stepMs.toFixed(3)
    } ms (encode ${llama13b.encodeMs.toFixed(3)}, finish ${
      llama13b.finishMs.toFixed(3)
    }, submit ${narrow.submitMs.toFixed(3)})`
  );
}

function reportProbe(probe: Probe): string[] {
  return [
    `- streaming reads ${probe.streamGBs.toFixed(1)} GB/s, FMA ${
      probe.fmaGFlops.toFixed(0)
    } GFLOP/s, dot4I8Packed ${probe.dot4GFlops.toFixed(0)} GFLOP/s`,
    `- a submit with read-back ${
      probe.submitAndReadUs.toFixed(0)
    } us; one more dispatch ${
      probe.dependentDispatchUs.toFixed(2)
    } us dependent, ${probe.independentDispatchUs.toFixed(2)} us independent`,
  ];
}

const doctor = await readJson<Diagnosis>("doctor.json");
const encode = await readJson<EncodeResult>("encode.json");
const probe = await readJson<Probe>("probe.json");
const kernels = await readLines<KernelRow>("kernels.jsonl");
const models = await readLines<BenchRow>("models.jsonl");
const synthetic = await readLines<BenchRow>("synthetic.jsonl");
const profiles = await readLines<ModelProfile>("profile.jsonl");
const expected = await read("expect.md");
const generation = await read("generation.txt");
const notes = (await read("notes.txt")).split("\n").filter((line) => line);

const device = doctor?.adapter.description || doctor?.adapter.vendor ||
  probe?.device || "unknown";
const name = device.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  .replaceAll(/^-|-$/g, "");
const date = new Date().toISOString().slice(0, 10);
const lines = [
  `# ${device}`,
  "",
  `${date}, Deno ${Deno.version.deno}, by \`bash bench/gpu.sh\`.`,
  "",
  ...(doctor === undefined ? [] : reportDoctor(doctor)),
  ...(encode === undefined ? [] : reportEncode(encode)),
  ...(probe === undefined ? [] : reportProbe(probe)),
  ...notes.map((note) => `- ${note}`),
  "",
  ...reportModels("Models", models),
  ...reportModels("Models of random weights", synthetic),
  ...reportProfiles(profiles),
  ...(expected === "" ? [] : ["## Expected of llama13b", "", expected, ""]),
  ...(generation === ""
    ? []
    : ["## Generation and loading", "", "```", generation, "```", ""]),
  ...reportKernels(kernels, `${name}.svg`),
];

const results = new URL("results/", import.meta.url);
await Deno.mkdir(results, { recursive: true });
await Deno.writeTextFile(
  new URL(`${name}.json`, results),
  layOut({
    date,
    // Results are shared: whose machine it was says nothing.
    doctor: doctor && {
      ...doctor,
      tuning: { products: doctor.tuning.products },
    },
    encode,
    probe,
    notes,
    models,
    synthetic,
    profiles,
    generation: generation.split("\n"),
    kernels: compactKernels(kernels),
  }),
);
await Deno.writeTextFile(new URL(`${name}.md`, results), lines.join("\n"));
try {
  await Deno.copyFile(
    `${folder}/roofline.svg`,
    new URL(`${name}.svg`, results),
  );
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
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
