import { checkOutput } from "./check_output.ts";
import { copyGguf, type CopyOptions } from "./copy.ts";
import type { GgufField } from "./field.ts";
import { partName } from "./part_name.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import { openSource } from "./source.ts";
import { isSplitKey } from "./split.ts";
import { readTypedGguf, type TypedGguf } from "./typed_reader.ts";
import type { GgufWriter } from "./writer.ts";

/** How a file is split; by the number of tensors unless `maxBytes` is given. */
export interface SplitLimits {
  /** The most tensors of a part. Defaults to 128. */
  maxTensors?: number | undefined;
  /**
   * The most bytes of a part's tensors, without its header. A tensor that has
   * more is a part of its own. Defaults to no limit.
   */
  maxBytes?: number | undefined;
}

/** Options for {@linkcode splitGguf}. */
export interface SplitOptions extends SplitLimits, CopyOptions {
  /** Whether files of the parts' names may be replaced. Defaults to `false`. */
  overwrite?: boolean;
}

/** A part as it is to be written. */
export interface PlannedPart {
  /** Its metadata. */
  fields: GgufField[];
  /** Its tensors. */
  tensors: TensorInfo[];
}

const DEFAULT_TENSORS = 128;
const DEFAULT_ALIGNMENT = 32;
/** `split.count` has 16 bits. */
const MAX_PARTS = 65_535;
const ALIGNMENT = "general.alignment";

/**
 * Takes out what a part says of being one.
 *
 * @param fields The metadata of a file.
 * @returns That of the whole file.
 */
export function withoutSplit(fields: readonly GgufField[]): GgufField[] {
  return fields.filter(({ key }) => !isSplitKey(key));
}

/**
 * Says which tensors go to which part, as llama.cpp's gguf-split does: the first
 * part has the metadata of the file, and each says which one it is.
 *
 * @param file The file.
 * @param limits How large parts may be.
 * @returns The parts, at least one.
 * @throws {RangeError} If a limit is no integer from 1 on, or there would be too
 * many parts.
 */
export function planSplit(
  { label, fields, tensors, alignment }: Pick<
    TypedGguf,
    "label" | "fields" | "tensors" | "alignment"
  >,
  limits: SplitLimits = {},
): PlannedPart[] {
  const groups = groupTensors(tensors, checkLimits(label, limits));
  if (groups.length > MAX_PARTS) {
    throw new RangeError(
      `Cannot split "${label}": there would be ${groups.length} parts, ` +
        `at most ${MAX_PARTS} are wanted`,
    );
  }
  const whole = withoutSplit(fields);
  // Later parts are read by the same alignment only if they say it, too.
  const others = alignment === DEFAULT_ALIGNMENT
    ? []
    : whole.filter(({ key }) => key === ALIGNMENT);
  return groups.map((group, no) => ({
    fields: [
      ...(no === 0 ? whole : others),
      { key: "split.no", type: "u16", value: no },
      { key: "split.count", type: "u16", value: groups.length },
      { key: "split.tensors.count", type: "i32", value: tensors.length },
    ],
    tensors: group,
  }));
}

/**
 * Splits a GGUF file into parts that llama.cpp loads. One that is split already
 * is split anew.
 *
 * @param input Path or `file:` URL of the file, or of one of its parts.
 * @param prefix What the names of the parts start with; see `partName()`.
 * @param options How large parts may be, interruption, and progress.
 * @returns Paths of the parts.
 * @throws {Error} If there are files of such names, unless they may be replaced,
 * or a part cannot be written. No part stays then.
 */
export async function splitGguf(
  input: string | URL,
  prefix: string,
  { signal, onProgress, overwrite = false, ...limits }: SplitOptions = {},
): Promise<string[]> {
  await using source = await openSource(input);
  const file = await readTypedGguf(source);
  const parts = planSplit(file, limits);
  const paths = parts.map((_, i) =>
    partName({ prefix, part: i + 1, count: parts.length })
  );
  for (const path of paths) {
    await checkOutput(path, { source, input, overwrite });
  }
  const totalBytes = file.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  const done: string[] = [];
  try {
    for (const [i, path] of paths.entries()) {
      await using writer: GgufWriter = await copyGguf(path, {
        source,
        ...parts[i]!,
      }, {
        signal,
        onProgress: ({ doneBytes }) =>
          onProgress?.({ doneBytes: before + doneBytes, totalBytes }),
      });
      await writer.finish();
      done.push(path);
      before += parts[i]!.tensors.reduce((sum, t) => sum + t.bytes, 0);
    }
    return paths;
  } catch (error) {
    await Promise.all(done.map((path) => Deno.remove(path).catch(() => {})));
    throw error;
  }
}

function checkLimits(
  label: string,
  { maxTensors, maxBytes }: SplitLimits,
): Required<Pick<SplitLimits, "maxTensors" | "maxBytes">> {
  for (const [name, limit] of Object.entries({ maxTensors, maxBytes })) {
    if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) {
      continue;
    }
    throw new RangeError(
      `Cannot split "${label}": ${name} is ${limit}, an integer from 1 on is ` +
        "wanted",
    );
  }
  return {
    maxTensors: maxTensors ??
      (maxBytes === undefined ? DEFAULT_TENSORS : Infinity),
    maxBytes: maxBytes ?? Infinity,
  };
}

function groupTensors(
  tensors: readonly TensorInfo[],
  { maxTensors = Infinity, maxBytes = Infinity }: SplitLimits,
): TensorInfo[][] {
  const groups: TensorInfo[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    // gguf-split counts whole multiples of 32 bytes, whatever the alignment.
    const padded = Math.ceil(tensor.bytes / DEFAULT_ALIGNMENT) *
      DEFAULT_ALIGNMENT;
    const group = groups.at(-1)!;
    const isFull = group.length >= maxTensors || bytes + padded > maxBytes;
    if (isFull && group.length > 0) {
      groups.push([tensor]);
      bytes = padded;
    } else {
      group.push(tensor);
      bytes += padded;
    }
  }
  return groups;
}
