import { assert, assertEquals, assertRejects } from "@std/assert";
import { replaceFile } from "./replace_file.ts";

const isWindows = Deno.build.os === "windows";

async function inFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

function modeOf(path: string): number {
  return isWindows ? 0 : Deno.statSync(path).mode! & 0o777;
}

Deno.test("replaceFile() replaces the file of a URL when it has a query or hash", async () => {
  await inFolder(async (folder) => {
    for (const tail of ["", "?x", "#x", "?x=1#y", "?", "#"]) {
      const url = new URL(`file://${folder}/file${tail}`);
      for (const byte of [1, 2]) {
        const parts = function* () {
          yield Uint8Array.of(byte);
          // Until it is whole it has another name.
          assertEquals(names(folder).includes("file"), byte === 2);
          yield Uint8Array.of(7);
        };
        await replaceFile(url, parts());
        assertEquals(names(folder), ["file"]);
        assertEquals([...Deno.readFileSync(`${folder}/file`)], [byte, 7]);
      }
      Deno.removeSync(`${folder}/file`);
    }
    const odd = new URL(`file://${folder}/a%20%23%3fb`);
    await replaceFile(odd, [Uint8Array.of(1)]);
    assertEquals(names(folder), ["a #?b"]);
  });
});

Deno.test("replaceFile() leaves the old file and no other when the parts end early", async () => {
  await inFolder(async (folder) => {
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
    assertEquals(names(folder), ["file"]);
    assertEquals(Deno.readTextFileSync(path), "old");
  });
});

Deno.test("replaceFile() keeps the mode of the old file, and its owner's alone when it is new", async () => {
  await inFolder(async (folder) => {
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
  await inFolder(async (folder) => {
    const inner = `${folder}/inner`;
    Deno.mkdirSync(inner);
    Deno.writeTextFileSync(`${inner}/file`, "old");
    Deno.symlinkSync(`${inner}/file`, `${folder}/link`);
    Deno.symlinkSync("link", `${folder}/second`);
    await replaceFile(`${folder}/second`, [Uint8Array.of(65)]);
    assertEquals(Deno.readTextFileSync(`${inner}/file`), "A");
    assert(Deno.lstatSync(`${folder}/link`).isSymlink);
    assert(Deno.lstatSync(`${folder}/second`).isSymlink);
    assertEquals(names(inner), ["file"]);
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
  await inFolder(async (folder) => {
    await assertRejects(
      () => replaceFile(folder, [Uint8Array.of(1)]),
      Error,
      "it is a directory, a file is wanted",
    );
    await assertRejects(
      () => replaceFile(`${folder}/nowhere/file`, [Uint8Array.of(1)]),
      Deno.errors.NotFound,
    );
    assertEquals(names(folder), []);
  });
});
