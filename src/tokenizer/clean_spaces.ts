/**
 * Takes out spaces as llama.cpp does where it decodes the tokens of some byte-level
 * vocabularies: those before `?`, `!`, `.` and `,`, those on both sides of an
 * apostrophe, and those before `'s`, `'m`, `'re` and `'ve`, in that order.
 *
 * @param text Decoded text.
 * @returns The text without them; nothing else is changed.
 */
export function cleanSpaces(text: string): string {
  return text
    .replace(/ (?=[?!.,])/g, "")
    .replace(/ ' /g, "'")
    .replace(/ ('(?:s|m|re|ve))/g, "$1");
}
