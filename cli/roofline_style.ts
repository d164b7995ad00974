import type { Activations } from "../mod.ts";

/** Text and neutral lines. */
export const INK = "#1f2430";
/** Text of less weight. */
export const MUTED = "#697080";
/** One colour an arithmetic, of kernels and of their ceiling. */
export const COLORS: Record<Activations, string> = {
  f32: "#2563b8",
  int8: "#d9601a",
};
/** One symbol a number of columns. */
export const SYMBOLS = [
  "circle",
  "square",
  "triangle",
  "diamond2",
  "star",
  "wye",
] as const;
