/**
 * The expected speed of llama13b on a GPU, from a few assumptions:
 *
 *     deno run -A bench/expect.ts [--results FOLDER] [--NAME VALUE ...] [--json]
 *
 * The assumptions are those of an H100; each number of {@linkcode Assumptions}
 * can be given, as in `--stepUs 3`. With the folder that `bench/gpu.sh` measures
 * into, what was measured there takes their place, and stands beside the result.
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  type Assumptions,
  type Expectation,
  expectDecode,
  expectPrompt,
  H100,
  SOURCES,
} from "./expect_model.ts";
import { type MeasuredRow, readMeasured } from "./expect_measured.ts";
import { findShape } from "./synthetic/shapes.ts";

/** What is expected of one test. */
interface Line extends Expectation {
  type: string;
  test: string;
  /** Tokens a second that were measured. */
  measured?: number | undefined;
}

const TYPES = ["Q4_0", "Q4_K_M", "Q8_0"];
const SHAPE = findShape("llama13b");
const [PROMPT, TOKENS] = [512, 128] as const;
const DEPTHS = [0, 2048];
/** Of streaming reads, in decode from an empty context. */
const GOALS = [["Q4_0", 0.7], ["Q8_0", 0.75]] as const;

function expectAll(
  assumptions: Assumptions,
  rows: readonly MeasuredRow[],
): Line[] {
  return TYPES.flatMap((type) => {
    const line = (test: string, expectation: Expectation): Line => {
      const row = rows.find((row) => row.type === type && row.test === test);
      return { type, test, ...expectation, measured: row?.tokensPerSecond };
    };
    const prompt = (activations: "f32" | "int8") =>
      expectPrompt(SHAPE, type, { tokens: PROMPT, activations, assumptions });
    return [
      ...DEPTHS.map((depth) =>
        line(
          `tg${TOKENS}${depth > 0 ? ` @ d${depth}` : ""}`,
          expectDecode(SHAPE, type, {
            depth: Math.max(1, depth) + (TOKENS - 1) / 2,
            assumptions,
          }),
        )
      ),
      line(`pp${PROMPT}`, prompt("f32")),
      line(`pp${PROMPT} int8`, prompt("int8")),
    ];
  });
}

/**
 * What one assumption would have to be for a goal in decode, all others as they
 * are: the value between two at which the goal is met.
 */
function solve(
  goal: number,
  [bad, good]: [bad: number, good: number],
  fractionAt: (value: number) => number,
): number {
  for (let i = 0; i < 50; i++) {
    const middle = (bad + good) / 2;
    if (fractionAt(middle) < goal) bad = middle;
    else good = middle;
  }
  return good;
}

/** What would make a goal, as a line. */
function formatGoal(
  type: string,
  goal: number,
  assumptions: Assumptions,
): string {
  const depth = 1 + (TOKENS - 1) / 2;
  const fraction = (changed: Partial<Assumptions>) =>
    expectDecode(SHAPE, type, {
      depth,
      assumptions: { ...assumptions, ...changed },
    }).fraction;
  const products = solve(
    goal,
    [0.01, 2],
    (otherFraction) => fraction({ formatFractions: {}, otherFraction }),
  );
  const stepUs = solve(goal, [100, 0], (stepUs) => fraction({ stepUs }));
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  return `- ${type} at ${percent(goal)} of the reads: products at ${
    percent(products)
  }, or stepUs = ${stepUs.toFixed(1)}`;
}

/** A number, or the numbers of a record, as people read them. */
function formatValue(value: number | Readonly<Record<string, number>>): string {
  if (typeof value === "number") return `${Number(value.toPrecision(4))}`;
  return Object.entries(value)
    .map(([name, part]) => `${name} ${Number(part.toPrecision(2))}`).join(", ");
}

function format(
  assumptions: Assumptions,
  { lines, measured: known }: {
    lines: readonly Line[];
    measured: readonly string[];
  },
): string {
  const percent = (part: number) => `${(100 * part).toFixed(0)} %`;
  const names = ["weights", "attention", "steps", "cpu"] as const;
  const decode = lines.filter(({ test }) => test.startsWith("tg"));
  const prompt = lines.filter(({ test }) => test.startsWith("pp"));
  const measured = ({ measured }: Line) => measured?.toPrecision(3) ?? "-";
  const table = (head: string[], rows: string[][]) =>
    [head, head.map((_, i) => i < 2 ? "---" : "---:"), ...rows]
      .map((cells) => `| ${cells.join(" | ")} |`);
  return [
    "Expected of llama13b, if",
    ...Object.entries(assumptions).map(([name, value]) =>
      `- ${name} = ${formatValue(value)}: ${
        known.includes(name)
          ? "given, or measured here"
          : SOURCES[name as keyof Assumptions]
      }`
    ),
    "",
    ...table(
      ["type", "test", ...names.map((name) => `${name} ms`), "ms"]
        .concat("tokens/s", "of the reads", "measured"),
      decode.map((line) => [
        line.type,
        line.test,
        ...names.map((name) => line.parts[name]!.toFixed(2)),
        line.ms.toFixed(2),
        String(Number(line.tokensPerSecond.toPrecision(3))),
        percent(line.fraction),
        measured(line),
      ]),
    ),
    "",
    ...table(
      ["type", "test", "products ms", "other ms", "tokens/s"]
        .concat("of the peak", "measured"),
      prompt.map((line) => [
        line.type,
        line.test,
        line.parts["products"]!.toFixed(0),
        (line.ms - line.parts["products"]!).toFixed(0),
        String(Number(line.tokensPerSecond.toPrecision(3))),
        percent(line.fraction),
        measured(line),
      ]),
    ),
    "",
    "What each goal takes, all else as assumed:",
    ...GOALS.map(([type, goal]) => formatGoal(type, goal, assumptions)),
  ].join("\n");
}

if (import.meta.main) {
  const numbers = Object.entries(H100).flatMap(([name, value]) =>
    typeof value === "number" ? [name] : []
  );
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      results: { type: "string" },
      ...Object.fromEntries(
        numbers.map((name) => [name, { type: "string" as const }]),
      ),
    },
  });
  const measured = values.results === undefined
    ? { assumptions: {}, rows: [] }
    : await readMeasured(values.results);
  const given = Object.fromEntries(
    numbers.flatMap((name) => {
      const text = (values as Record<string, unknown>)[name];
      if (text === undefined) return [];
      const value = Number(text);
      if (value > 0) return [[name, value]];
      throw new RangeError(
        `Cannot expect anything: --${name} is ${text}, a number above 0 is wanted`,
      );
    }),
  );
  const assumptions = { ...H100, ...measured.assumptions, ...given };
  const lines = expectAll(assumptions, measured.rows);
  const text = values.json
    ? JSON.stringify({ assumptions, lines }, null, 2)
    : format(assumptions, {
      lines,
      measured: [...Object.keys(measured.assumptions), ...Object.keys(given)],
    });
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
