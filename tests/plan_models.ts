/**
 * Compares the plans of models with what loading them allocates, as a device sees
 * it that counts its buffers.
 *
 *     deno run -A tests/plan_models.ts FOLDER
 *     deno run -A tests/plan_models.ts llama13b:q4_k_m llama7b:f16:4096
 *
 * The first form loads every `.gguf` file in a folder. The second allocates what a
 * model of that shape and type takes on a device that counts large buffers and
 * gives them little memory. Exits with 1 where a plan is off by more than 5 %.
 *
 * @module
 */

import { writeLine } from "../cli/output.ts";
import { formatBytes, loadModel } from "../mod.ts";
import { countBuffers } from "./count_buffers.ts";
import { allocateShape } from "./plan_shapes.ts";

/** Most that a plan may be off by. */
const LIMIT = 0.05;

async function compareFile(path: string): Promise<boolean> {
  return await countBuffers(async (count) => {
    await using model = await loadModel(path);
    const { totalBytes, peakBytes } = model.plan();
    const name = path.split(/[/\\]/).at(-1)!;
    return report(name, totalBytes, count.liveBytes) &&
      peakBytes * (1 + LIMIT) >= count.peakBytes;
  });
}

/** Prints a line; whether the plan is good. */
function report(name: string, planned: number, allocated: number): boolean {
  const off = planned / allocated - 1;
  writeLine(
    `${name.padEnd(32)} planned ${formatBytes(planned).padStart(10)}, ` +
      `allocated ${formatBytes(allocated).padStart(10)}, ` +
      `${(100 * off).toFixed(3)} %`,
  );
  return Math.abs(off) <= LIMIT;
}

let good = Deno.args.length > 0;
for (const arg of Deno.args) {
  const [shape, type, context = "2048"] = arg.split(":");
  if (type !== undefined) {
    const options = { contextLength: Number(context) };
    const { planned, allocated } = await allocateShape(shape!, type, options);
    good = report(arg, planned, allocated) && good;
    continue;
  }
  const names = Array.from(Deno.readDirSync(arg), ({ name }) => name)
    .filter((name) => name.endsWith(".gguf")).sort();
  for (const name of names) good = await compareFile(`${arg}/${name}`) && good;
}
if (!good) Deno.exitCode = 1;
