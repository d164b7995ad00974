import { environment } from "../system/environment.ts";

/**
 * Whether variants of products are measured: `"off"` takes them untried,
 * `"cached"` measures what no file knows yet, `"force"` measures all again.
 */
export type TuneMode = "off" | "cached" | "force";

/** Every {@linkcode TuneMode}. */
export const TUNE_MODES: readonly TuneMode[] = ["off", "cached", "force"];

/**
 * The mode that is asked for: by the program, by `$SERAPH_TUNE`, or `"cached"`.
 *
 * @param mode What the program asks for, if anything.
 * @returns The mode.
 * @throws {TypeError} If it is none.
 */
export function tuneMode(mode: TuneMode | undefined): TuneMode {
  const variable = mode === undefined ? environment("SERAPH_TUNE") : undefined;
  const wanted = mode ?? variable ?? "cached";
  const found = TUNE_MODES.find((known) => known === wanted);
  if (found === undefined) {
    throw new TypeError(
      `Cannot load model: ${
        variable === undefined ? "tune" : "SERAPH_TUNE"
      } is "${wanted}", one of ${TUNE_MODES.join(", ")} is wanted`,
    );
  }
  return found;
}
