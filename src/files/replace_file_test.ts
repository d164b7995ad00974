import { assert, assertEquals, assertRejects } from "@std/assert";
import { inTempFolder, namesIn } from "../../tests/temp_folder.ts";
import { FileReplacement } from "./file_replacement.ts";
import { replaceFile } from "./replace_file.ts";

const isWindows = Deno.build.os === "windows";

function modeOf(path: string): number {
  return isWindows ? 0 : Deno.statSync(path).mode! & 0o777;
}

Deno.test("replaceFile() replaces the file of a URL when it has a query or hash", async () => {
  await inTempFolder(async (folder) => {
    for (const tail of ["", "?x", "#x", "?x=1#y", "?", "#"]) {
      const url = new URL(`file://${encodeURI(folder)}/file${tail}`);
      for (const byte of [1, 2]) {
        const parts = function* () {
          yield Uint8Array.of(byte);
          // Until it is whole it has another name.
          assertEquals(namesIn(folder).includes("file"), byte === 2);
          yield Uint8Array.of(7);
        };
        await replaceFile(url, parts());
        assertEquals(namesIn(folder), ["file"]);
        assertEquals([...Deno.readFileSync(`${folder}/file`)], [byte, 7]);
      }
      Deno.removeSync(`${folder}/file`);
    }
    const odd = new URL(`file://${encodeURI(folder)}/a%20%23%3fb`);
    await replaceFile(odd, [Uint8Array.of(1)]);
    assertEquals(namesIn(folder), ["a #?b"]);
  });
});

Deno.test("replaceFile() leaves the old file and no other when the parts end early", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/file`;
    Deno.writeTextFileSync(path, "old");
    const parts = function* () {
      yield Uint8Array.of(1);
      throw new Error("no more");
    };
    await assertRejects(() => replaceFile(path, parts()), Error, "no more");
    await assertRejects(
      () => replaceFile(`${folder}/none`, parts()),
      Error,
      "no more",
    );
    assertEquals(namesIn(folder), ["file"]);
    assertEquals(Deno.readTextFileSync(path), "old");
  });
});

Deno.test("replaceFile() keeps the mode of the old file, and its owner's alone when it is new", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/file`;
    await replaceFile(path, [Uint8Array.of(1)]);
    assertEquals(modeOf(path), isWindows ? 0 : 0o600);
    for (const mode of [0o644, 0o666, 0o400]) {
      if (!isWindows) Deno.chmodSync(path, mode);
      await replaceFile(path, [Uint8Array.of(2)]);
      assertEquals(modeOf(path), isWindows ? 0 : mode);
    }
  });
});

Deno.test("replaceFile() writes through links", async () => {
  await inTempFolder(async (folder) => {
    const inner = `${folder}/inner`;
    Deno.mkdirSync(inner);
    Deno.writeTextFileSync(`${inner}/file`, "old");
    Deno.symlinkSync(`${inner}/file`, `${folder}/link`);
    Deno.symlinkSync("link", `${folder}/second`);
    await replaceFile(`${folder}/second`, [Uint8Array.of(65)]);
    assertEquals(Deno.readTextFileSync(`${inner}/file`), "A");
    assert(Deno.lstatSync(`${folder}/link`).isSymlink);
    assert(Deno.lstatSync(`${folder}/second`).isSymlink);
    assertEquals(namesIn(inner), ["file"]);
    Deno.removeSync(`${inner}/file`);
    await assertRejects(
      () => replaceFile(`${folder}/link`, [Uint8Array.of(66)]),
      Error,
      "it is a link to nothing, a file is wanted",
    );
    assert(Deno.lstatSync(`${folder}/link`).isSymlink);
  });
});

Deno.test("replaceFile() refuses what is no regular file", async () => {
  await inTempFolder(async (folder) => {
    await assertRejects(
      () => replaceFile(folder, [Uint8Array.of(1)]),
      Error,
      "it is a directory, a file is wanted",
    );
    await assertRejects(
      () => replaceFile(`${folder}/nowhere/file`, [Uint8Array.of(1)]),
      Deno.errors.NotFound,
    );
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("FileReplacement gives no file its name when it was closed or a write failed", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/file`;
    const closed = await FileReplacement.open(path);
    await closed[Symbol.asyncDispose]();
    await assertRejects(() => closed.commit(), Error, "it was closed before");
    await assertRejects(
      () => closed.write(Uint8Array.of(1)),
      Error,
      "it was closed before",
    );
    const broken = await FileReplacement.open(path);
    const wrong = "no bytes" as unknown as Uint8Array;
    await assertRejects(() => broken.write(wrong));
    await broken.write(Uint8Array.of(1));
    await assertRejects(
      () => broken.commit(),
      Error,
      `Cannot write "${path}": a write has failed before`,
    );
    await broken[Symbol.asyncDispose]();
    assertEquals(namesIn(folder), []);
  });
});

Deno.test("FileReplacement.commit() gives a file its name once", async () => {
  await inTempFolder(async (folder) => {
    await using file = await FileReplacement.open(`${folder}/file`);
    await Promise.all([1, 2, 3].map((n) => file.write(Uint8Array.of(n))));
    await file.commit();
    assertEquals([...Deno.readFileSync(`${folder}/file`)], [1, 2, 3]);
    await assertRejects(() => file.commit(), Error, "it was closed before");
    await file[Symbol.asyncDispose]();
    assertEquals(namesIn(folder), ["file"]);
  });
});
