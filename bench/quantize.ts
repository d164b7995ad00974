/**
 * How fast weights are packed: million weights in a second of one thread's own
 * processor time, in each format, without and with an importance matrix.
 *
 *     deno run -A bench/quantize.ts [FORMAT ...]
 *
 * @module
 */

import process from "node:process";
import { formatTable, writeLine } from "../cli/output.ts";
import { QUANTIZABLE, quantizeRows } from "../src/quantize/quantize_rows.ts";

const COLUMNS = 4096;
const ROWS = 16;
const ROUNDS = 6;
/** A round takes at least so long. */
const ROUND_MS = 300;

const rows = Float32Array.from(
  { length: COLUMNS * ROWS },
  () => 0.02 * (Math.random() + Math.random() + Math.random() - 1.5),
);
const importance = Float32Array.from({ length: COLUMNS }, Math.random);
const formats = Deno.args.length > 0
  ? Deno.args.map((name) => name.toUpperCase())
  : QUANTIZABLE;
writeLine(formatTable([
  ["format", "plain", "by importance"],
  ...formats.map((format) => [
    format,
    rate(() => quantizeRows(format, rows, COLUMNS)),
    rate(() => quantizeRows(format, rows, COLUMNS, { importance })),
  ]),
]));

/** The best of some rounds: the first are not compiled well yet. */
function rate(pack: () => void): string {
  const rates = Array.from({ length: ROUNDS }, () => {
    const start = cpuMs();
    let count = 0;
    do {
      pack();
      count++;
    } while (cpuMs() - start < ROUND_MS);
    return count * rows.length / (cpuMs() - start) / 1e3;
  });
  return Math.max(...rates).toFixed(1);
}

/** Processor time of this process, in ms. */
function cpuMs(): number {
  return process.cpuUsage().user / 1000;
}
