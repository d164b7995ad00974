import { assertEquals } from "@std/assert";
import { IQ4_VALUES } from "./iq4_nl.ts";
import { nibbleTable } from "./nibble_table.ts";

Deno.test("nibbleTable() has the values of both nibbles when they are signed", () => {
  const table = nibbleTable(IQ4_VALUES);
  assertEquals(table.length, 256);
  assertEquals(table[0x00], 0x00810081); // -127 twice
  assertEquals(table[0x0f], 0x00810071); // 113 in the low nibble
  assertEquals(table[0x80], 0x00010081); // 1 in the high one
});
