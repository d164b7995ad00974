import type { ModelInput } from "../sources/input.ts";
import type { QuantizeFileOptions, QuantizeResult } from "./quantize_file.ts";

/**
 * Quantizes a GGUF file to the bytes that llama.cpp's `llama-quantize` writes
 * on x86-64. Rows pass through memory in pieces, some MB a worker; the output
 * has another name until it is whole, and may be the input.
 *
 * @example
 * ```ts
 * import { quantizeFile } from "@seraph/seraph";
 *
 * const output = await Deno.makeTempFile({ suffix: ".gguf" });
 * const { inputBytes, outputBytes } = await quantizeFile(
 *   "models/stories260k-f32.gguf",
 *   output,
 *   "q8_0",
 * );
 * console.log(`${inputBytes} bytes became ${outputBytes}`);
 * await Deno.remove(output);
 * ```
 *
 * @param input The file, or the first part of a split one.
 * @param output Where the quantized file goes; of a URL its path counts.
 * @param type What to quantize to: llama.cpp's name in any case, such as
 * `"q4_k_m"`.
 * @param options Importance, what overrules the mix, workers and interruption.
 * @returns What was done.
 * @throws {TypeError} If the type or a format is unknown.
 * @throws {Error} If a tensor is quantized already, or the output cannot be
 * written; nothing of it stays.
 * @throws {RangeError} If a weight is not finite or too large, or the importance
 * matrix does not fit.
 */
export async function quantizeFile(
  input: ModelInput,
  output: string | URL,
  type: string,
  options: QuantizeFileOptions = {},
): Promise<QuantizeResult> {
  const { quantizeFile } = await import("./quantize_file.ts");
  return await quantizeFile(input, output, type, options);
}
