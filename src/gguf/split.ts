import type { GgufField } from "./field.ts";
import type { Metadata } from "./metadata.ts";
import { quote } from "./quote.ts";
import type { TensorInfo } from "./scan_tensors.ts";

/** The keys by which a part says which one it is. */
const SPLIT_KEYS = ["split.no", "split.count", "split.tensors.count"];

/**
 * Tells whether a key is one by which a part says which one it is.
 *
 * @param key The key.
 * @returns Whether it is.
 */
export function isSplitKey(key: string): boolean {
  return SPLIT_KEYS.includes(key);
}

/** What the header of one part of a split file says. */
export interface SplitPart {
  /** What errors call the part. */
  readonly label: string;
  /** Its metadata. */
  readonly fields: readonly GgufField[];
  /** Its tensors, with where they are in all parts together. */
  readonly tensors: readonly TensorInfo[];
}

/**
 * Checks that parts are those of one split file, all of them and in order, and
 * puts their tensors together.
 *
 * @param label What errors call the file.
 * @param parts The parts, at least one.
 * @returns The tensors, part by part.
 * @throws {RangeError} If it is another, or there are not as many parts or
 * tensors as the first one says.
 * @throws {SyntaxError} If a tensor comes twice.
 */
export function joinParts(
  label: string,
  parts: readonly SplitPart[],
): TensorInfo[] {
  const names = new Set<string>();
  for (const [i, part] of parts.entries()) {
    expect(part, "split.no", i);
    // llama.cpp looks for it in the first part only.
    const hasCount = i === 0 || valueOf(part, "split.count") !== undefined;
    if (hasCount) expect(part, "split.count", parts.length);
    for (const { name } of part.tensors) {
      if (names.has(name)) {
        throw new SyntaxError(
          `Cannot read "${label}": its part "${part.label}" has the tensor ` +
            `${quote(name)}, which an earlier one has too`,
        );
      }
      names.add(name);
    }
  }
  expect(parts[0]!, "split.tensors.count", names.size);
  return parts.flatMap(({ tensors }) => tensors);
}

/**
 * Checks that a file is a whole one.
 *
 * @param label What errors call the file.
 * @param metadata Its metadata.
 * @throws {Error} If it is one of several parts.
 */
export function checkWhole(label: string, metadata: Metadata): void {
  const count = metadata["split.count"];
  // A file that llama.cpp has merged says 0.
  if (typeof count !== "number" || count <= 1) return;
  const no = metadata["split.no"];
  const which = typeof no === "number" ? `part ${no + 1}` : "one";
  throw new Error(
    `Cannot read "${label}": it is ${which} of ${count} parts, a path is ` +
      "wanted that is named like model-00001-of-00006.gguf",
  );
}

function expect(part: SplitPart, key: string, wanted: number): void {
  const value = valueOf(part, key);
  if (value !== undefined && Number(value) === wanted) return;
  throw new RangeError(
    `Cannot read "${part.label}": ${key} is ${value ?? "missing"}, ` +
      `${wanted} is wanted`,
  );
}

function valueOf({ fields }: SplitPart, key: string) {
  const field = fields.find((field) => field.key === key);
  if (field === undefined || field.type === "array") return undefined;
  const { value } = field;
  // What is no number is no such value either.
  return typeof value === "number" || typeof value === "bigint"
    ? value
    : undefined;
}
