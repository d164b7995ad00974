import { checkOutput } from "./check_output.ts";
import { copyGguf, type CopyOptions } from "./copy.ts";
import type { GgufField, GgufValue } from "./field.ts";
import { partOf } from "./part_name.ts";
import { quote } from "./quote.ts";
import { openFile } from "./source.ts";
import { readTypedGguf } from "./typed_reader.ts";

/** What is to become of one key. */
export interface FieldChange {
  /** The key. */
  key: string;
  /**
   * Its new value, made of what the file has there; `undefined` removes it.
   */
  change: (before: GgufField | undefined) => GgufValue | undefined;
}

/** Options for {@linkcode setFields}. */
export interface SetOptions extends CopyOptions {
  /** The file to write. Defaults to the input, which is replaced. */
  output?: string | URL | undefined;
  /**
   * Whether keys are changed whose change may break the file, and files are
   * replaced. Defaults to `false`.
   */
  force?: boolean | undefined;
}

/** Keys that say how the rest of the file is to be read. */
const PROTECTED = /^(?:general\.(?:architecture|alignment)|split\..*)$/;

/**
 * Changes the metadata of a GGUF file; its tensors are copied. The file stays as
 * it was until the new one is whole. A part of a split file is changed alone.
 *
 * @param input Path or `file:` URL of the file.
 * @param changes What is to change. Keys keep their places, new ones come last.
 * @param options Where to, interruption, and progress.
 * @throws {Error} If a key is one whose change would break the file, a value
 * would have another type, or the file cannot be written.
 * @throws {TypeError | RangeError} If a value is not of its type.
 */
export async function setFields(
  input: string | URL,
  changes: readonly FieldChange[],
  { output, force = false, ...options }: SetOptions = {},
): Promise<void> {
  await using source = await openFile(input);
  if (output !== undefined) {
    await checkOutput(output, { source, input, overwrite: force });
  }
  const { label, fields, tensors } = await readTypedGguf(source);
  checkPart(label, input, force);
  const changed = changes.reduce(
    (fields, change) => applyChange(label, fields, { ...change, force }),
    fields,
  );
  const plan = { source, fields: changed, tensors };
  await using writer = await copyGguf(output ?? input, plan, options);
  await source[Symbol.asyncDispose](); // Windows replaces no open file
  await writer.finish();
}

function applyChange(
  label: string,
  fields: readonly GgufField[],
  { key, change, force }: FieldChange & { force: boolean },
): readonly GgufField[] {
  const at = fields.findIndex((field) => field.key === key);
  const before = fields[at];
  const value = change(before);
  if (!force) checkChange(label, key, { before, value });
  if (value === undefined) {
    if (before !== undefined) return fields.filter((_, i) => i !== at);
    throw new Error(
      `Cannot change "${label}": it has no key ${quote(key)} to remove`,
    );
  }
  const field = { key, ...value } as GgufField;
  return before === undefined ? [...fields, field] : fields.with(at, field);
}

function checkChange(
  label: string,
  key: string,
  { before, value }: {
    before: GgufField | undefined;
    value: GgufValue | undefined;
  },
): void {
  if (PROTECTED.test(key)) {
    throw new Error(
      `Cannot change "${label}": key ${
        quote(key)
      } says how the file is to be ` +
        "read, another one or force is wanted",
    );
  }
  if (key === "" && value !== undefined) {
    // llama.cpp ends the whole program at such a file.
    throw new RangeError(
      `Cannot change "${label}": the key is empty, a name or force is wanted`,
    );
  }
  if (before === undefined || value === undefined) return;
  const [old, wanted] = [typeName(before), typeName(value)];
  if (old === wanted) return;
  throw new TypeError(
    `Cannot change "${label}": key ${quote(key)} is of the type ${old} and ` +
      `would be ${wanted}, the same or force is wanted`,
  );
}

/**
 * Names the type of a value.
 *
 * @param value The value.
 * @returns `u32`, or of an array `u32[]`.
 */
export function typeName(value: GgufValue): string {
  return value.type === "array" ? `${value.of}[]` : value.type;
}

function checkPart(label: string, input: string | URL, force: boolean): void {
  const part = partOf(input);
  if (force || part === undefined || part.part === 1) return;
  throw new Error(
    `Cannot change "${label}": it is part ${part.part} of ${part.count}, ` +
      "whose metadata nobody reads, the first one or force is wanted",
  );
}
