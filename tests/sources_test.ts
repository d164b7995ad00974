import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  type DownloadProgress,
  inspectModel,
  loadModel,
  loadTokenizer,
} from "../mod.ts";
import { runCli, type RunCliOptions, spawnCli } from "./cli.ts";
import { watchDevices } from "./devices.ts";
import { continueIds, projectFile } from "./engine.ts";
import { sha256, withHub } from "./fake_hub.ts";
import { HostileServer } from "./hostile_server.ts";
import { makeModel } from "./models.ts";

const STORIES = await Deno.readFile(projectFile("models/stories260k-f32.gguf"));
const EXPECTED = await (async () => {
  await using model = await loadModel(STORIES);
  return await continueIds(model, "Once");
})();

async function withServer(
  fn: (server: HostileServer, cacheDir: string) => Promise<void>,
): Promise<void> {
  const cacheDir = await Deno.makeTempDir();
  try {
    await using server = new HostileServer({ "/stories.gguf": STORIES });
    await fn(server, cacheDir);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
}

for (const worker of [false, true]) {
  const where = worker ? "in a worker" : "in this thread";
  Deno.test(`loadModel() downloads a model and says how far it is ${where}`, () =>
    withServer(async (server, cacheDir) => {
      const told: DownloadProgress[] = [];
      const onProgress = (one: DownloadProgress) => void told.push(one);
      await using model = await loadModel(server.url("/stories.gguf"), {
        worker,
        download: { cacheDir, onProgress, sha256: sha256(STORIES) },
      });
      assertEquals(await continueIds(model, "Once"), EXPECTED);
      const last = told.findLast(({ phase }) => phase === "downloading")!;
      assertEquals(last.loadedBytes, STORIES.length);
      assertEquals(last.totalBytes, STORIES.length);
      const header = worker ? 2 : 1; // each thread reads it
      assertLess(server.sentBytes, STORIES.length + header * 1_060_000);
    }));

  Deno.test(`loadModel() takes a stream ${where}, and removes what it kept`, () =>
    withServer(async (_, cacheDir) => {
      await using model = await loadModel(new Blob([STORIES]).stream(), {
        worker,
        download: { cacheDir },
      });
      assertEquals(await continueIds(model, "Once"), EXPECTED);
      assertEquals([...Deno.readDirSync(`${cacheDir}/.streams`)], []);
      const unnamed = new Blob([makeModel()]).stream();
      await using other = await loadModel(unnamed, {
        worker,
        download: { cacheDir },
      });
      assertEquals(other.name, "ReadableStream");
    }));

  Deno.test(`loadModel() throws what a listener of the download throws ${where}`, () =>
    withServer(async (server, cacheDir) => {
      const load = () =>
        loadModel(server.url("/stories.gguf"), {
          worker,
          download: {
            cacheDir,
            onProgress: () => {
              throw new RangeError("enough");
            },
          },
        });
      await assertRejects(load, RangeError, "enough");
    }));
}

Deno.test("loadModel() frees everything when a download is aborted or fails", () =>
  withServer(async (server, cacheDir) => {
    const download = { cacheDir };
    server.behave = ({ range }) =>
      range && range[1] > 100 ? { delayMs: 20, pieceBytes: 50_000 } : undefined;
    const devices = await watchDevices(async () => {
      const signal = AbortSignal.timeout(1000);
      const url = server.url("/stories.gguf");
      await assertRejects(
        () => loadModel(url, { download, signal }),
        DOMException,
      );
      server.behave = ({ range }) =>
        range && range[0] > 0 ? { status: 404 } : undefined;
      await assertRejects(
        () =>
          loadModel(url, { download: { ...download, sha256: "0".repeat(64) } }),
        Error,
        "Cannot download",
      );
    });
    assert(devices.every((destroyed) => destroyed));
  }));

Deno.test("inspectModel() and loadTokenizer() take every source, and write nothing", () =>
  withHub({ "o/r": { "stories.gguf": STORIES } }, async (fake) => {
    const { hub, cacheDir, options } = fake;
    const download = { ...options, cacheDir: `${cacheDir}/none` };
    await using server = new HostileServer({ "/s.gguf": STORIES });
    const url = `${hub.origin}/o/r/blob/main/stories.gguf`;
    for (const input of ["hf:o/r", url, server.url("/s.gguf"), STORIES]) {
      const { tensors, problem } = await inspectModel(input, { download });
      assertEquals([tensors.length, problem], [47, null]);
      const tokenizer = await loadTokenizer(input, { download });
      assertGreater(tokenizer.encode("Once").length, 1);
    }
    await assertRejects(
      () => Deno.stat(download.cacheDir),
      Deno.errors.NotFound,
    );
  }));

/** The environment of a command whose cache is empty, and its modules' is not. */
async function emptyCache(folder: string): Promise<RunCliOptions> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  return { env: { XDG_CACHE_HOME: folder, DENO_DIR: denoDir } };
}

Deno.test("seraph downloads, lists, verifies and prunes", () =>
  withServer(async (server, folder) => {
    const options = await emptyCache(folder);
    const run = async (args: string) => {
      const { code, stdout, stderr } = await runCli(args, options);
      return [code, stdout.trim(), stderr.trim()] as const;
    };
    const url = server.url("/stories.gguf").href;
    const [code, path, error] = await run(`download ${url}`);
    assertEquals([code, error], [0, ""]);
    assertEquals(sha256(await Deno.readFile(path)), sha256(STORIES));
    assertEquals((await run(`inspect ${url} --json`))[0], 0);

    const listed = JSON.parse((await run("cache list --json"))[1]);
    assertEquals(listed.files.length, 1);
    assertEquals(listed.files[0].label, url);
    assertEquals(listed.files[0].sha256, sha256(STORIES));
    assert((await run("cache list"))[1].endsWith("1 files, 1.01 MiB"));
    assertEquals(await run("cache verify"), [0, "1 of 1 files are good", ""]);
    assertEquals(await run("cache prune"), [0, "0 files removed, 0 bytes", ""]);

    await Deno.writeFile(path, STORIES.map((byte) => byte ^ 1));
    const [verified, told, problem] = await run("cache verify");
    assertEquals(verified, 1);
    assert(told.includes(`its SHA-256 is`), told);
    assert(problem.includes("1 of its files are broken"), problem);
    const [refused, , wanted] = await run("cache prune --max-size 1MB");
    assertEquals(refused, 1);
    assert(wanted.includes("--yes is wanted"), wanted);
    assertEquals(
      (await run("cache prune --max-size 1MB --yes"))[1].split(",")[0],
      "1 files removed",
    );
    assertEquals([...Deno.readDirSync(`${folder}/seraph/models`)], []);
    assertEquals((await run("cache prune --max-size lots"))[0], 2);
  }));

Deno.test("seraph download goes on after Ctrl-C", () =>
  withServer(async (server, folder) => {
    const options = await emptyCache(folder);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.behave = ({ range }) => {
      if (range && range[1] > 1) resolve();
      return { delayMs: 30, pieceBytes: 60_000 };
    };
    const args = ["download", server.url("/stories.gguf").href];
    const child = spawnCli(args, options);
    await promise;
    await new Promise((go) => setTimeout(go, 150));
    child.kill("SIGINT");
    await child.stdin.close();
    const { code, stderr } = await child.output();
    assertEquals(code, 130);
    assertEquals(
      new TextDecoder().decode(stderr),
      "interrupted; the same command goes on from here\n",
    );
    server.behave = () => {};
    server.sentBytes = 0;
    assertEquals((await runCli(args, options)).code, 0);
    assertLess(server.sentBytes, STORIES.length);
  }));

Deno.test("seraph download goes through the proxy of the environment", () =>
  withServer(async (proxy, folder) => {
    const url = "http://nowhere.invalid/stories.gguf";
    proxy.files.set(url, { bytes: STORIES });
    const { env } = await emptyCache(folder);
    const { code, stdout } = await runCli(["download", url], {
      env: { ...env, HTTP_PROXY: proxy.origin },
    });
    assertEquals(code, 0);
    assertEquals(sha256(await Deno.readFile(stdout.trim())), sha256(STORIES));
  }));

Deno.test("programs that want the same model share one download", () =>
  withServer(async (server, folder) => {
    const options = await emptyCache(folder);
    server.behave = () => ({ delayMs: 20, pieceBytes: 20_000 });
    const args = ["download", server.url("/stories.gguf").href];
    const runs = await Promise.all([
      runCli(args, options),
      runCli(args, options),
    ]);
    assertEquals(runs.map(({ code }) => code), [0, 0]);
    assertEquals(runs[0]!.stdout, runs[1]!.stdout);
    assertLess(server.sentBytes, STORIES.length + 10);
  }));

Deno.test("seraph goes by HF_ENDPOINT, HF_TOKEN and SERAPH_OFFLINE", () =>
  withHub({ "o/r": { "stories.gguf": STORIES } }, async ({ hub, cacheDir }) => {
    const { env } = await emptyCache(cacheDir);
    const run = (more: Record<string, string>) =>
      runCli("download hf:o/r", {
        env: { ...env, HF_ENDPOINT: hub.origin, ...more },
      });
    const refused = await run({});
    assertEquals(refused.code, 1);
    assert(refused.stderr.includes("HF_TOKEN is not set"), refused.stderr);
    const { stdout } = await run({ HF_TOKEN: "secret" });
    assertEquals(sha256(await Deno.readFile(stdout.trim())), sha256(STORIES));
    const count = hub.requests.length;
    assertEquals((await run({ SERAPH_OFFLINE: "1" })).stdout, stdout);
    assertEquals(hub.requests.length, count);
  }, { token: "secret" }));
