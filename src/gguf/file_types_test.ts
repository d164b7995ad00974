import { assertEquals } from "@std/assert";
import { fileType } from "./file_types.ts";

Deno.test("fileType() is llama.cpp's name for the mix", () => {
  assertEquals(fileType({ "general.file_type": 15 }), "Q4_K_M");
  assertEquals(fileType({ "general.file_type": 0 }), "F32");
});

Deno.test("fileType() is null when the file says nothing that is known", () => {
  assertEquals(fileType({}), null);
  assertEquals(fileType({ "general.file_type": 1024 }), null);
  assertEquals(fileType({ "general.file_type": "Q4_0" }), null);
});
