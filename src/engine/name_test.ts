import { assertEquals } from "@std/assert";
import { nameOf } from "./name.ts";

Deno.test("nameOf() is the name in the file, or the file's", () => {
  const rows: [label: string, name: string | number | undefined, is: string][] =
    [
      ["/models/a.gguf", "Llama 2", "Llama 2"],
      ["/models/a.gguf", undefined, "a.gguf"],
      ["/models/a.gguf", " ", "a.gguf"],
      ["C:\\models\\a.gguf", 7, "a.gguf"],
      ["file:///models/a.gguf", undefined, "a.gguf"],
      ["Uint8Array", undefined, "Uint8Array"],
      ["/", undefined, "/"],
    ];
  for (const [label, name, is] of rows) {
    const metadata = name === undefined ? {} : { "general.name": name };
    assertEquals(nameOf({ label, metadata }), is);
  }
});
