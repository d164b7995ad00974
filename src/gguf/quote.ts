const MAX_CHARACTERS = 80;

/**
 * Puts text of a file into quotes for an error message: control characters are
 * escaped, and what is longer than 80 characters is cut.
 *
 * @param text The text, such as a key or a tensor's name.
 * @returns The text as a JSON string.
 */
export function quote(text: string): string {
  return JSON.stringify(
    text.length > MAX_CHARACTERS ? text.slice(0, MAX_CHARACTERS) + "…" : text,
  );
}
