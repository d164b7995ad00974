import type { FuzzFormat } from "./fuzz_format.ts";
import { GGUF, MODEL, SPLIT_GGUF } from "./fuzz_gguf.ts";

/** What `fuzz_headers.ts` breaks. A new kind of file is added here. */
export const FUZZ_FORMATS: readonly FuzzFormat[] = [GGUF, SPLIT_GGUF, MODEL];
