import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { sha256 } from "../../tests/fake_hub.ts";
import { HOSTILE_CASES, MODEL, OTHER } from "../../tests/hostile_cases.ts";
import { HostileServer } from "../../tests/hostile_server.ts";
import { filesOf, readAll } from "../../tests/read_source.ts";

for (const { name, behave, error, options, bytes = MODEL } of HOSTILE_CASES) {
  Deno.test(`openInput() comes to ${error ? "an error" : "a good file"} when the server ${name}`, async () => {
    const cacheDir = await Deno.makeTempDir();
    try {
      await using server = new HostileServer({ "/m.gguf": MODEL });
      server.behave = behave();
      const start = performance.now();
      const read = readAll(server.url("/m.gguf"), { cacheDir, ...options });
      if (error === undefined) {
        assertEquals(sha256(await read), sha256(bytes));
      } else {
        const { message } = await assertRejects(() => read, Error, error);
        assert(message.startsWith("Cannot download"), message);
        assert(message.includes(`"${server.url("/m.gguf")}"`), message);
      }
      assertLess(performance.now() - start, 4000);
      // A file under its own name is whole and right, whatever was before.
      for (const [file, content] of await filesOf(cacheDir)) {
        assert(!/\.(lock|new)$/.test(file), file);
        if (file.endsWith(".gguf")) {
          assertEquals(sha256(content), sha256(MODEL));
        }
      }
      // And the next one to come gets a good one, once the server behaves.
      server.behave = () => {};
      server.files.set("/m.gguf", { bytes: OTHER, etag: '"v2"' });
      const url = server.url("/m.gguf");
      assertEquals(sha256(await readAll(url, { cacheDir })), sha256(OTHER));
      const files = [...(await filesOf(cacheDir)).keys()].sort();
      assertEquals(files, ["m.gguf", "m.gguf.json"]);
    } finally {
      await Deno.remove(cacheDir, { recursive: true });
    }
  });
}
