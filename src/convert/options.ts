import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions } from "../sources/options.ts";

/** How far {@linkcode convertCheckpoint} is. */
export interface ConvertProgress {
  /** The tensor that was written last, by its name in the GGUF file. */
  readonly tensor: string;
  /** Bytes of weights that were read and are written. */
  readonly doneBytes: number;
  /** Bytes of all weights of the checkpoint. */
  readonly totalBytes: number;
}

/** Options for {@linkcode convertCheckpoint}. */
export interface ConvertOptions {
  /**
   * What the matrices become: llama.cpp's name of a type in any case, such as
   * `"f16"` or `"q4_k_m"`. Defaults to `"bf16"` where the checkpoint is BF16,
   * else to `"f16"`, as in llama.cpp's converter.
   */
  type?: string | undefined;
  /**
   * How much the columns of each matrix matter: a file of llama.cpp's
   * `llama-imatrix`. Defaults to what is unknown.
   */
  importance?: ModelInput | undefined;
  /** `general.name` of the file. Defaults to what the checkpoint's files say. */
  name?: string | undefined;
  /**
   * llama.cpp's name for how a byte-level tokenizer splits text, such as
   * `"llama-bpe"`. Defaults to what `tokenizer.json` shows; needed where that is
   * not known.
   */
  preTokenizer?: string | undefined;
  /**
   * Workers that share the work, each with some 50 MB; with 0 this thread does
   * it. Defaults to `navigator.hardwareConcurrency`, but at most 12, and to 0
   * where the program may not read the workers' code.
   */
  workers?: number | undefined;
  /** Where a checkpoint of a hub is kept, and what is allowed. */
  download?: DownloadOptions | undefined;
  /** Stops the work: nothing of the output stays. */
  signal?: AbortSignal | undefined;
  /** Called whenever some rows are written. */
  onProgress?: ((progress: ConvertProgress) => void) | undefined;
}

/** What became of a tensor. */
export interface ConvertedTensor {
  /** Its name in the GGUF file. */
  readonly name: string;
  /** Its dimensions in ggml's order: the first varies fastest. */
  readonly shape: readonly number[];
  /** Its name in the checkpoint; `null` where it was calculated. */
  readonly source: string | null;
  /** What its weights were. */
  readonly from: string;
  /** What they are. */
  readonly to: string;
  /** What the type has for it; not `to` where its rows do not fit that. */
  readonly meant: string;
}

/** What {@linkcode convertCheckpoint} did. */
export interface ConvertResult {
  /** Files of weights that were read. */
  readonly files: readonly string[];
  /** llama.cpp's name of what the matrices became. */
  readonly type: string;
  /**
   * How much the columns of each matrix matter: a file of llama.cpp's
   * `llama-imatrix`. Defaults to what is unknown.
   */
  importance?: ModelInput | undefined;
  /** `general.name` of the file. */
  readonly name: string;
  /** The tensors in the order of the file. */
  readonly tensors: readonly ConvertedTensor[];
  /** Weights of all tensors. */
  readonly parameters: number;
  /** Bytes of the weights that were read. */
  readonly inputBytes: number;
  /** Bytes of the file. */
  readonly outputBytes: number;
  /** Wall-clock time, in seconds. */
  readonly seconds: number;
  /** Bytes of weights that were read in a second. */
  readonly bytesPerSecond: number;
  /** What the file cannot say, if anything. */
  readonly warnings: readonly string[];
}
