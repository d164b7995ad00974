const encoder = new TextEncoder();

/** Writes text to stdout, all of it. */
export function write(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes a line to stdout. */
export function writeLine(text = ""): void {
  write(`${text}\n`);
}

/** Writes one JSON document to stdout. */
export function writeJson(value: unknown): void {
  // A person gets it laid out, a program small.
  const indent = Deno.stdout.isTerminal() ? 2 : 0;
  writeLine(JSON.stringify(value, replaceBigint, indent));
}

/** JSON has no 64-bit integers: those beyond 2^53 are written as strings. */
function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** Writes the numbers and texts of a row as CSV, the first with a heading. */
export function writeCsv(
  row: Readonly<Record<string, unknown>>,
  first: boolean,
): void {
  const scalars = Object.entries(row).filter(([, v]) => !Array.isArray(v));
  if (first) writeLine(scalars.map(([key]) => key).join(","));
  const quote = (value: unknown) =>
    `"${String(value ?? "").replaceAll('"', '""')}"`;
  writeLine(scalars.map(([, value]) => quote(value)).join(","));
}

/** Writes text to stderr. */
export function writeError(text: string): void {
  writeAll(Deno.stderr, text);
}

/** Writes a line to stderr. */
export function printStatus(text: string): void {
  writeError(`${text}\n`);
}

/** Writes an error to stderr. */
export function printError(message: string): void {
  printStatus(`error: ${message}`);
}

function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}

/** Left-aligned columns of text; numbers are aligned right. */
export function formatTable(
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    }
  }
  return rows.map((row) =>
    row.map((cell, i) =>
      typeof cell === "number"
        ? String(cell).padStart(widths[i]!)
        : cell.padEnd(widths[i]!)
    ).join("  ").trimEnd()
  ).join("\n");
}
