import { checkOutput } from "./check_output.ts";
import { copyGguf, type CopyOptions } from "./copy.ts";
import { openSource } from "./source.ts";
import { withoutSplit } from "./split_file.ts";
import { readTypedGguf } from "./typed_reader.ts";

/** Options for {@linkcode mergeGguf}. */
export interface MergeOptions extends CopyOptions {
  /** Whether a file of that name may be replaced. Defaults to `false`. */
  overwrite?: boolean;
}

/**
 * Puts the parts of a split GGUF file together: what was split is the same file
 * again, byte for byte.
 *
 * @param input Path or `file:` URL of one of the parts.
 * @param output The file to write.
 * @param options Interruption, and progress.
 * @throws {Error} If it is no split file, a part is missing or wrong, or the file
 * cannot be written. Nothing stays then.
 */
export async function mergeGguf(
  input: string | URL,
  output: string | URL,
  { overwrite = false, ...options }: MergeOptions = {},
): Promise<void> {
  await using source = await openSource(input);
  await checkOutput(output, { source, input, overwrite });
  const { fields, tensors, label } = await readTypedGguf(source);
  const isPart = fields.some(({ key }) => key === "split.count");
  if (source.parts === undefined && !isPart) {
    throw new Error(
      `Cannot merge "${label}": it is no part of several, a path is wanted ` +
        "that is named like model-00001-of-00006.gguf",
    );
  }
  const plan = { source, fields: withoutSplit(fields), tensors };
  await using writer = await copyGguf(output, plan, options);
  await writer.finish();
}
