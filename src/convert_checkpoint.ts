import type { ConvertOptions, ConvertResult } from "./convert/options.ts";

/**
 * Makes a GGUF file of a checkpoint as transformers writes it: safetensors or
 * PyTorch files, `config.json` and a tokenizer. Keys and names are those of
 * llama.cpp's converter. Weights pass through memory in pieces, some MB a worker;
 * the file has another name until it is whole.
 *
 * @example
 * ```ts
 * import { convertCheckpoint } from "@seraph/seraph";
 *
 * async function quantized(folder: string): Promise<string> {
 *   const { warnings } = await convertCheckpoint(folder, "model.gguf", {
 *     type: "q4_k_m",
 *     onProgress: ({ doneBytes, totalBytes }) =>
 *       console.log(`${Math.floor(100 * doneBytes / totalBytes)} %`),
 *   });
 *   for (const warning of warnings) console.warn(warning);
 *   return "model.gguf";
 * }
 * console.assert(typeof quantized === "function");
 * ```
 *
 * @param input The path of a folder, its `file:` URL, or
 * `hf:owner/repo[/folder][@revision]`.
 * @param output Where the GGUF file goes; of a URL its path counts.
 * @param options The type, and interruption.
 * @returns What was done.
 * @throws {Error} If it is no Llama, a file or a tensor is missing, or the file
 * cannot be written; nothing of it stays.
 * @throws {SyntaxError} If a file is broken.
 * @throws {TypeError} If a value or the type is of an unknown kind, or a PyTorch
 * file asks for anything but weights.
 * @throws {RangeError} If a number makes no sense, or a weight is not finite.
 */
export async function convertCheckpoint(
  input: string | URL,
  output: string | URL,
  options: ConvertOptions = {},
): Promise<ConvertResult> {
  // Most programs only run models.
  const { convert } = await import("./convert/convert.ts");
  return await convert(input, output, options);
}
