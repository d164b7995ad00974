/** A field of a protobuf message: a number, or the bytes of a longer one. */
export type ProtobufField =
  | { id: number; kind: "varint"; value: number }
  | { id: number; kind: "fixed32" | "fixed64" | "bytes"; value: Uint8Array };

/**
 * Walks over the fields of a protobuf message.
 *
 * @param bytes The message.
 * @returns The fields in order; bytes are those of the message itself.
 * @throws {SyntaxError} If it is no such message.
 */
export function* readProtobuf(bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new SyntaxError("it is truncated");
      // Exact up to 2^53; negative numbers take all ten bytes and stay large.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new SyntaxError("a number has more than ten bytes");
  };
  const take = (length: number) => {
    if (length > bytes.length - at) throw new SyntaxError("it is truncated");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const id = Math.floor(tag / 8);
    const wire = tag % 8;
    if (id === 0) throw new SyntaxError("a field has the number 0");
    if (wire === 0) yield { id, kind: "varint", value: varint() };
    else if (wire === 1) yield { id, kind: "fixed64", value: take(8) };
    else if (wire === 2) yield { id, kind: "bytes", value: take(varint()) };
    else if (wire === 5) yield { id, kind: "fixed32", value: take(4) };
    else throw new SyntaxError(`a field is of the wire type ${wire}`);
  }
}
