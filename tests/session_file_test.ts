import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadModel, type Session } from "../mod.ts";
import { projectFile } from "./engine.ts";
import { seeded } from "./gguf_mutate.ts";
import { makeModel } from "./models.ts";
import { inTempFolder } from "./temp_folder.ts";

const IDS = [5, 6, 7, 8, 9];

/** Runs a test with a folder of its own. */
function inFolder(
  test: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  return inTempFolder((folder) => test(`${folder}/session`, folder));
}

/** A session that has said something. */
async function talk(session: Session): Promise<Session> {
  session.append(IDS);
  await session.generate({ ignoreEos: true, maxTokens: 7 }).result();
  return session;
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("restoreSession() refuses files that are cut, damaged or none of a session", async () => {
  await using model = await loadModel(makeModel({}));
  await inFolder(async (path) => {
    await using session = await talk(model.session());
    await session.save(path);
    const whole = await Deno.readFile(path);
    const random = seeded(4);
    const ends = [0, 3, 8, 15, 16, 100, whole.length - 33, whole.length - 1];
    for (let i = 0; i < 40; i++) {
      ends.push(Math.floor(random() * whole.length));
    }
    for (const end of ends) {
      await Deno.writeFile(path, whole.subarray(0, end));
      await assertRejects(
        () => model.restoreSession(path),
        Error,
        end < 8 ? "it is no session file" : "it is cut short",
      );
    }
    for (let i = 0; i < 60; i++) {
      const damaged = whole.slice();
      const at = Math.floor(random() * whole.length);
      damaged[at]! ^= 1 << Math.floor(random() * 8);
      await Deno.writeFile(path, damaged);
      await assertRejects(
        () => model.restoreSession(path),
        Error,
        `Cannot restore session from "${path}"`,
      );
    }
    await Deno.writeFile(path, Uint8Array.of(...whole, 0));
    await assertRejects(() => model.restoreSession(path), SyntaxError);
    await Deno.writeFile(path, whole);
    await using restored = await model.restoreSession(path);
    assertEquals(restored.ids, session.ids);
    await assertRejects(
      () => model.restoreSession(`${path} that is not there`),
      Error,
      "No such file",
    );
  });
});

Deno.test("restoreSession() does not read what is no session file", async () => {
  await using model = await loadModel(makeModel({}));
  await inFolder(async (path, folder) => {
    await assertRejects(
      () => model.restoreSession(folder),
      Error,
      "it is a directory, a file is wanted",
    );
    await assertRejects(
      () => model.restoreSession("/dev/zero"),
      Error,
      Deno.build.os === "windows" ? "" : "it is not a regular file",
    );
    // 1 TB, which takes no room, and could not be read.
    await Deno.writeFile(path, new Uint8Array(8));
    await Deno.truncate(path, 2 ** 40);
    await assertRejects(
      () => model.restoreSession(path),
      SyntaxError,
      "it is no session file",
    );
    await using session = await talk(model.session());
    await session.save(`${folder}/good`);
    const good = await Deno.readFile(`${folder}/good`);
    await Deno.writeFile(path, good);
    await Deno.truncate(path, 2 ** 40);
    await assertRejects(
      () => model.restoreSession(path),
      SyntaxError,
      `${good.length} are wanted`,
    );
    new DataView(good.buffer).setUint32(12, 2 ** 32 - 1, true);
    await Deno.writeFile(path, good);
    await Deno.truncate(path, 2 ** 40);
    await assertRejects(
      () => model.restoreSession(path),
      RangeError,
      "its header has 4294967295 bytes, at most 67108864 are wanted",
    );
    await assertRejects(
      () =>
        model.restoreSession(`${folder}/good`, {
          signal: AbortSignal.abort(new Error("stop")),
        }),
      Error,
      "stop",
    );
  });
});

Deno.test("restoreSession() refuses the sessions of other models", async () => {
  const file = makeModel({ contextLength: 64 });
  await using model = await loadModel(file);
  await inFolder(async (path) => {
    await using session = await talk(model.session());
    await session.save(path);
    // The same shape and names, other weights.
    const other = file.slice();
    for (let i = other.length >> 1; i < other.length; i++) other[i]! ^= 1;
    const cases = [
      [other, {}, "it was saved with another model"],
      [file, { activations: "int8" }, "it was saved with another model"],
      [file, { kv: "f32" }, 'its KV cache is of type "f16", "f32" is wanted'],
      [file, { contextLength: 8 }, "11 positions, at most 8 fit"],
    ] as const;
    for (const [input, options, message] of cases) {
      await using wrong = await loadModel(input, options);
      await assertRejects(() => wrong.restoreSession(path), Error, message);
    }
    const int8 = { activations: "int8" } as const;
    await using rounded = await loadModel(file, int8);
    await using other8 = await talk(rounded.session());
    await other8.save(`${path}8`);
    await assertRejects(
      () => model.restoreSession(`${path}8`),
      Error,
      "another model, RoPE scaling or activations",
    );
    await using rounded2 = await loadModel(file, { ...int8, worker: true });
    await using restored8 = await rounded2.restoreSession(`${path}8`);
    assertEquals(restored8.ids, other8.ids);
    await using same = await loadModel(file, { worker: true });
    await using restored = await same.restoreSession(path);
    const next = { ignoreEos: true, maxTokens: 5 };
    assertEquals(
      (await restored.generate(next).result()).ids,
      (await session.generate(next).result()).ids,
    );
  });
});

Deno.test("Session.save() leaves the old file where it fails", async () => {
  await using model = await loadModel(makeModel({}));
  await inFolder(async (path, folder) => {
    await using session = await talk(model.session());
    await session.save(path);
    const old = await Deno.readFile(path);
    session.rewind(3);
    await assertRejects(
      () => session.save(path, { signal: AbortSignal.abort(new Error("no")) }),
      Error,
      "no",
    );
    const controller = new AbortController();
    const saving = session.save(path, controller);
    await Promise.resolve();
    controller.abort(new Error("not now")); // while it is written
    await assertRejects(() => saving, Error, "not now");
    assertEquals(names(folder), ["session"]);
    assertEquals(await Deno.readFile(path), old);
    await Deno.mkdir(`${folder}/taken/inside`, { recursive: true });
    await assertRejects(
      () => session.save(`${folder}/taken`),
      Error,
      "Cannot save session to",
    );
    await assertRejects(
      () => session.save(`${folder}/nowhere/session`),
      Error,
      "Cannot save session to",
    );
    assertEquals(names(folder), ["session", "taken"]);
    await session.save(path);
    await using restored = await model.restoreSession(path);
    assertEquals(restored.ids, session.ids);
  });
});

Deno.test("Session.save() and restoreSession() refuse URLs that are not of files", async () => {
  await using model = await loadModel(makeModel({}));
  await using session = model.session().append(IDS);
  const url = new URL("https://host/session");
  const problem = 'its scheme is "https:", a path or a file: URL is wanted';
  await assertRejects(() => session.save(url), TypeError, problem);
  await assertRejects(() => model.restoreSession(url), TypeError, problem);
  await inFolder(async (path, folder) => {
    const file = new URL(`file://${path}?x#y`);
    await session.save(file);
    await session.save(file);
    assertEquals(names(folder), ["session"]);
    await using restored = await model.restoreSession(file);
    assertEquals(restored.ids, session.ids);
  });
});

Deno.test("Session.save() that is killed leaves a whole file", async () => {
  await inFolder(async (path, folder) => {
    const program = `
      import { loadModel } from ${JSON.stringify(`${projectFile("mod.ts")}`)};
      await using model = await loadModel(${
      JSON.stringify(projectFile("models/stories260k-f32.gguf").pathname)
    });
      await using session = model.session();
      session.append("Once upon a time");
      await session.generate({ ignoreEos: true, maxTokens: 200 }).result();
      while (true) {
        await session.save(${JSON.stringify(path)});
        await Deno.stdout.write(Uint8Array.of(46));
      }`;
    const script = `${folder}/script.ts`;
    await Deno.writeTextFile(script, program);
    await using model = await loadModel(
      projectFile("models/stories260k-f32.gguf"),
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        `--config=${projectFile("deno.json").pathname}`,
        script,
      ],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read(); // one is there
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 13 + 7 * i));
      await using session = await model.restoreSession(path);
      assert(session.length > 200);
    }
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    await using session = await model.restoreSession(path);
    assert(session.length > 200);
  });
});
