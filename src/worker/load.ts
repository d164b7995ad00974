import type { LoadModelOptions } from "../engine/load.ts";
import type { Model } from "../engine/model.ts";
import type { ModelInput } from "../gguf/source.ts";

export function loadInWorker(
  _i: ModelInput,
  _o: LoadModelOptions,
): Promise<Model> {
  throw new Error("not yet");
}
