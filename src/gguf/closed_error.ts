/**
 * What reading a source says after it was disposed of.
 *
 * @param label What errors call the source.
 * @returns The error.
 */
export function closedError(label: string): TypeError {
  return new TypeError(`Cannot read "${label}": it was closed before`);
}
