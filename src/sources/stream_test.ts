import { assertEquals, assertRejects } from "@std/assert";
import { withFolder } from "../../tests/folder.ts";
import { makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import { openInput } from "./open.ts";

const MODEL = makeModel();

/** All names in a folder and those in it. */
function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? namesIn(`${folder}/${name}`) : [name]
  ).sort();
}

Deno.test("openInput() keeps a stream as long as it is open", () =>
  withFolder(async (cacheDir) => {
    const chunks = [MODEL.subarray(0, 1000), MODEL.subarray(1000)];
    {
      const stream = ReadableStream.from(chunks);
      await using source = await openInput(stream, { cacheDir });
      const { label } = await readGguf(source);
      assertEquals([label, source.size], ["ReadableStream", MODEL.length]);
      assertEquals(namesIn(cacheDir).length, 2, "the file and its lock");
    }
    assertEquals(namesIn(cacheDir), []);
    const broken = ReadableStream.from((function* () {
      yield chunks[0]!;
      throw new Error("the source is gone");
    })());
    await assertRejects(
      () => openInput(broken, { cacheDir }),
      Error,
      "the source is gone",
    );
    const texts = ReadableStream.from(["text"]) as unknown as ReadableStream<
      Uint8Array
    >;
    await assertRejects(
      () => openInput(texts, { cacheDir }),
      TypeError,
      "a chunk of type string",
    );
    const locked = new Blob().stream();
    locked.getReader();
    await assertRejects(() => openInput(locked), TypeError, "is locked");
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    });
    const signal = AbortSignal.timeout(20);
    await assertRejects(
      () => openInput(endless, { cacheDir, signal }),
      DOMException,
    );
    assertEquals(namesIn(cacheDir), []);
  }));
