import type { GgufFile } from "../gguf/reader.ts";

/**
 * What a model is called, for people.
 *
 * @param file The file's header.
 * @returns The name in the file, or else the file's own without its folders.
 */
export function nameOf(
  { label, metadata }: Pick<GgufFile, "label" | "metadata">,
): string {
  const name = Object.hasOwn(metadata, "general.name")
    ? metadata["general.name"]
    : undefined;
  if (typeof name === "string" && name.trim() !== "") return name;
  return label.split(/[/\\]/).findLast((part) => part !== "") ?? label;
}
