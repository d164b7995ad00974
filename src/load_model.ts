import { loadEngine } from "./engine/load.ts";
import type { LoadModelOptions } from "./engine/load_options.ts";
import { Model } from "./engine/model.ts";
import type { ModelInput } from "./sources/input.ts";
import { traced } from "./telemetry/telemetry.ts";

/**
 * Loads a model from a GGUF file to the GPU.
 *
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/tiny-archangel-q8_0.gguf");
 * const { text } = await model.generate("Once upon a time").result();
 * ```
 *
 * A URL or `hf:owner/repo:Q4_K_M` is downloaded to the cache folder: its header
 * is read at once, and its weights once all that can be refused was not.
 *
 * Where OpenTelemetry is on (in Deno by `OTEL_DENO=true`), loading is a span, and
 * so is each generation, with `prefill` and `decode` in it; they say how many
 * tokens in how much time, and nothing of the text.
 *
 * @param input A path, URL or name on the hub, or bytes: see `ModelInput`.
 * @param options How to load it.
 * @returns The model; dispose of it to free its GPU memory.
 * @throws {Error} If the file is missing, broken or of an unsupported kind, or
 * the GPU has no room; nothing stays allocated.
 */
export async function loadModel(
  input: ModelInput,
  options: LoadModelOptions = {},
): Promise<Model> {
  return await traced("load", () => load(input, options), (model) => ({
    "gen_ai.provider.name": "seraph",
    "gen_ai.request.model": model.name,
    "seraph.ms": model.loadMs,
    "seraph.device": model.device,
    "seraph.gpu_bytes": model.gpuBytes,
    "seraph.context_length": model.contextLength,
  }));
}

async function load(
  input: ModelInput,
  options: LoadModelOptions,
): Promise<Model> {
  if (options.worker) {
    const { loadInWorker } = await import("./worker/load.ts");
    return await loadInWorker(input, options);
  }
  return new Model(await loadEngine(input, options));
}
