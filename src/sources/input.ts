/**
 * Where a model comes from.
 *
 * - The path of a file, or a `file:` URL.
 * - An `http:` or `https:` URL. The file is downloaded to the cache folder.
 * - `hf:owner/repo[/file][:quant][@revision]`, a file on the Hugging Face hub,
 *   such as `hf:owner/repo:Q4_K_M`.
 * - The bytes of the file: a `Uint8Array`, which is used in place, a `Blob`, or a
 *   `ReadableStream`, which is kept in a temporary file as long as it is needed.
 */
export type ModelInput =
  | string
  | URL
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>;
