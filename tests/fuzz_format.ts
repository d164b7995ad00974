import { assert } from "@std/assert";
import { mutate, type Random, seeded } from "./gguf_mutate.ts";

/** A kind of file whose readers must stand whatever its bytes are. */
export interface FuzzFormat {
  /** What it is called. */
  readonly name: string;
  /** Valid files, which are broken for each case. */
  seeds(): Promise<Uint8Array[]>;
  /** Breaks a file by more than its bytes. Defaults to none, as for half of all. */
  breakFile?(file: Uint8Array, random: Random): Promise<Uint8Array>;
  /**
   * Reads a file that may be broken.
   *
   * @throws {Error} If it is; the message must be one of ours.
   */
  load(bytes: Uint8Array): Promise<void>;
}

/** What became of a broken file. */
export type Outcome = "read" | "refused";

const CLASSES: readonly unknown[] = [
  Error,
  RangeError,
  SyntaxError,
  TypeError,
];

/** `Cannot <action>: <what is>`, not V8's "Cannot read properties of". */
const MESSAGE =
  /^Cannot (?!read propert|set propert|access|convert)[a-z]+.*: ./s;

/**
 * Tells whether a message is one of ours.
 *
 * @param message What an error says.
 * @returns Whether it is.
 */
export function isOurMessage(message: string): boolean {
  return MESSAGE.test(message);
}

/**
 * Loads a file that may be broken, and asserts that an error is one of ours.
 *
 * @param format Its kind.
 * @param bytes The file.
 * @returns Whether it was read.
 */
export async function tryLoad(
  format: FuzzFormat,
  bytes: Uint8Array,
): Promise<Outcome> {
  try {
    await format.load(bytes);
    return "read";
  } catch (error) {
    assert(error instanceof Error, String(error));
    assert(CLASSES.includes(error.constructor), error.stack);
    assert(isOurMessage(error.message), error.stack);
    return "refused";
  }
}

/** Which case it is: the same one for the same numbers. */
export interface CaseNumber {
  /** Where chance starts. */
  seed: number;
  /** Number of the case. */
  index: number;
}

/**
 * Makes a broken file.
 *
 * @param format Its kind.
 * @param seeds Valid files of that kind.
 * @param number Which one.
 * @returns The file.
 */
export async function makeCase(
  format: FuzzFormat,
  seeds: readonly Uint8Array[],
  { seed, index }: CaseNumber,
): Promise<Uint8Array> {
  const random: Random = seeded(seed * 1_000_003 + index);
  const file = seeds[Math.floor(random() * seeds.length)]!;
  return format.breakFile !== undefined && random() < 0.5
    ? await format.breakFile(file, random)
    : mutate(file, seeds, random);
}
