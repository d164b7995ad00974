/**
 * Reads headers that were made to be as large and as hard to read as a header may
 * be, each in a process of its own, and sees that none takes a second of CPU time or 500 MB.
 *
 *     deno run -A tests/large_headers.ts
 *
 * `fuzz_headers.ts` breaks small ones.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { ByteWriter } from "../src/gguf/byte_writer.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { readTypedGguf } from "../src/gguf/typed_reader.ts";
import { VALUE_TYPES, type ValueType } from "../src/gguf/value_type.ts";

const MAX_MS = 1000;
const MAX_BYTES = 500e6;
const MILLION = 1_000_000;

/** What a header holds: keys with arrays of elements that are all the same. */
interface LargeHeader {
  keys: number;
  /** Type of the elements. */
  of: ValueType;
  /** Elements of each array. */
  count: number;
  /** One element as the file has it. */
  element: Uint8Array;
}

const HEADERS: Record<string, LargeHeader> = {
  "short texts": strings(3, "abc"),
  "empty texts": strings(4, ""),
  "texts beyond ASCII": strings(3, "é▁"),
  "texts that are not valid": strings(3, Uint8Array.of(0xff, 65, 66, 67)),
  booleans: { keys: 4, of: "bool", count: MILLION, element: Uint8Array.of(1) },
  "64-bit integers": {
    keys: 4,
    of: "u64",
    count: MILLION,
    element: new Uint8Array(8).fill(0x7f),
  },
  doubles: {
    keys: 4,
    of: "f64",
    count: MILLION,
    element: new Uint8Array(8).fill(0x3f),
  },
  "arrays of a number": arrays("u8", Uint8Array.of(1)),
  "arrays of a text": arrays("string", text("a")),
  keys: { keys: 100_000, of: "u8", count: 1, element: Uint8Array.of(1) },
  "a text of 47 MB": {
    keys: 1,
    of: "string",
    count: 1,
    element: text(new Uint8Array(47e6).fill(0xc3)),
  },
};

function strings(keys: number, value: string | Uint8Array): LargeHeader {
  return { keys, of: "string", count: MILLION, element: text(value) };
}

function arrays(of: ValueType, element: Uint8Array): LargeHeader {
  const writer = new ByteWriter();
  writer.u32(VALUE_TYPES.indexOf(of));
  writer.u64(1);
  writer.bytes(element);
  return { keys: 4, of: "array", count: 90_000, element: writer.finish() };
}

function text(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string"
    ? new TextEncoder().encode(value)
    : value;
  const writer = new ByteWriter();
  writer.u64(bytes.length);
  writer.bytes(bytes);
  return writer.finish();
}

function makeHeader({ keys, of, count, element }: LargeHeader): Uint8Array {
  const writer = new ByteWriter();
  writer.bytes(new TextEncoder().encode("GGUF"));
  writer.u32(3);
  writer.u64(0);
  writer.u64(keys);
  for (let key = 0; key < keys; key++) {
    writer.string(`key ${key}`);
    writer.u32(VALUE_TYPES.indexOf("array"));
    writer.u32(VALUE_TYPES.indexOf(of));
    writer.u64(count);
    for (let i = 0; i < count; i++) writer.bytes(element);
  }
  return writer.finish();
}

/** What a process came to. */
interface Reading {
  /** What reading it said. */
  outcome: string;
  /** Of all threads, as others may run beside it. */
  ms: number;
  peakBytes: number;
}

async function read(path: string, typed: boolean): Promise<Reading> {
  const start = cpuUsage();
  let outcome = "read";
  try {
    await using source = await openSource(path);
    await (typed ? readTypedGguf(source) : readGguf(source));
  } catch (error) {
    outcome = (error as Error).message;
  }
  const { user, system } = cpuUsage(start);
  const status = Deno.readTextFileSync("/proc/self/status");
  const peakBytes = 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
  return { outcome, ms: (user + system) / 1000, peakBytes };
}

async function readInProcess(...args: string[]): Promise<Reading> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.filename!, ...args],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function readAll(folder: string): Promise<number> {
  let failed = 0;
  for (const [name, header] of Object.entries(HEADERS)) {
    const path = `${folder}/large.gguf`;
    await Deno.writeFile(path, makeHeader(header));
    for (const how of ["plain", "typed"]) {
      const { outcome, ms, peakBytes } = await readInProcess(path, how);
      const isGood = ms < MAX_MS && peakBytes < MAX_BYTES;
      if (!isGood) failed++;
      print(
        `${isGood ? "ok  " : "FAIL"} ${name}, ${how}: ${ms.toFixed(0)} ms, ` +
          `${(peakBytes / 1e6).toFixed(0)} MB, ${outcome}`,
      );
    }
  }
  return failed;
}

if (import.meta.main) {
  const [path, how] = Deno.args;
  if (path !== undefined) {
    print(JSON.stringify(await read(path, how === "typed")));
    Deno.exit(0);
  }
  const folder = await Deno.makeTempDir();
  try {
    Deno.exitCode = await readAll(folder) > 0 ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
