/** How far a download is. */
export interface DownloadProgress {
  /** What is downloaded, as errors call it. */
  label: string;
  /**
   * What is being done: `"waiting"` for another program that downloads the same
   * file, `"downloading"`, or `"verifying"` the hash of what is there.
   */
  phase: "waiting" | "downloading" | "verifying";
  /** Bytes that are done, those of an earlier attempt included. */
  loadedBytes: number;
  /** Bytes of all, `undefined` where the server does not say. */
  totalBytes: number | undefined;
  /** Bytes a second of late. */
  bytesPerSecond: number;
  /** Seconds until the end at this rate, `undefined` where nothing is known. */
  secondsLeft: number | undefined;
}

/** Where models that are not on this machine are kept, and what is allowed. */
export interface DownloadOptions {
  /**
   * Folder of downloaded models. Defaults to `$XDG_CACHE_HOME/seraph/models`, or
   * `~/.cache/seraph/models`; on Windows `%LOCALAPPDATA%\seraph\models`.
   */
  cacheDir?: string | undefined;
  /**
   * Takes only what the cache has. Defaults to whether `$SERAPH_OFFLINE` or
   * `$HF_HUB_OFFLINE` is set.
   */
  offline?: boolean | undefined;
  /**
   * SHA-256 that the file must have, in hex. Defaults to what the hub says; other
   * servers say nothing.
   */
  sha256?: string | undefined;
  /** Called about ten times a second while something is downloaded. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** Options for `downloadModel()` and `openCheckpoint()`. */
export interface DownloadModelOptions extends DownloadOptions {
  /** Stops it; what was downloaded stays, and the next attempt goes on. */
  signal?: AbortSignal | undefined;
}
