import { assertEquals } from "@std/assert";
import { BYTE_CHARACTERS, readBytes, writeBytes } from "./byte_level.ts";

const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

Deno.test("writeBytes() has a printable character of its own for each byte", () => {
  assertEquals(new Set(BYTE_CHARACTERS).size, 256);
  assertEquals(BYTE_CHARACTERS.join("").search(/[\p{Z}\p{C}]/u), -1);
  assertEquals(writeBytes(BYTES.subarray(0x21, 0x7f)).length, 94);
  assertEquals(writeBytes(Uint8Array.of(0, 0x0a, 0x20, 0x7f)), "ĀĊĠġ");
  assertEquals(writeBytes(Uint8Array.of(0xa0, 0xa1, 0xad, 0xff)), "ł¡Ńÿ");
});

Deno.test("readBytes() is the inverse of writeBytes()", () => {
  assertEquals(readBytes(writeBytes(BYTES)), BYTES);
  assertEquals(readBytes(""), new Uint8Array());
});

Deno.test("readBytes() says what is not of the alphabet as llama.cpp does", () => {
  assertEquals(
    new TextDecoder().decode(readBytes("a™")),
    "a[UNK_BYTE_0xe284a2a™]",
  );
});
