import { Command } from "commander";
import { diagnose, type Diagnosis } from "../mod.ts";
import { jsonOption } from "./options.ts";
import { formatTable, writeJson, writeLine } from "./output.ts";

/** `seraph doctor` */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("show the GPU, and test each kernel on it")
    .addOption(jsonOption())
    .action(doctor);
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const diagnosis = await diagnose();
  const { adapter, driver, runtime, features, subgroupSize, syncReadback } =
    diagnosis;
  const { limits, selfTest } = diagnosis;
  if (json) {
    writeJson(diagnosis);
  } else {
    writeLine(formatTable([
      ["adapter", adapter.description || adapter.vendor],
      ["driver", driver],
      ["vendor", adapter.vendor],
      ["architecture", adapter.architecture],
      ["software", adapter.isFallbackAdapter ? "yes" : "no"],
      ["runtime", runtime],
      ["features", features.join(" ")],
      ["subgroups", subgroupSize > 0 ? `size ${subgroupSize}` : "none"],
      ["read-back", syncReadback ? "synchronous" : "awaited"],
    ]));
    writeLine();
    writeLine(formatTable(Object.entries(limits)));
    writeLine();
    writeTuning(diagnosis.tuning);
    writeLine();
    writeLine(formatTable(
      selfTest.map(({ kernel, error, ok, problem }) => [
        ok ? "ok" : "FAILED",
        kernel,
        problem ?? error.toExponential(1),
      ]),
    ));
  }
  const failed = selfTest.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    throw new Error(
      `Cannot trust this GPU: it computes ${
        failed.map(({ kernel }) => kernel).join(", ")
      } wrong`,
    );
  }
}

/** The kernel variants that models take on this device. */
function writeTuning({ path, products }: Diagnosis["tuning"]): void {
  const tuned = Object.entries(products);
  if (tuned.length === 0) {
    writeLine("No kernel variant was measured on this device yet");
    return;
  }
  writeLine(`kernel variants, from ${path}`);
  writeLine(formatTable(
    tuned.map(([product, { variant, ms, untriedMs }]) => [
      product,
      variant,
      `${ms.toPrecision(3)} ms`,
      ms < untriedMs
        ? `${(untriedMs / ms).toFixed(2)} times as fast as untried`
        : "",
    ]),
  ));
}
