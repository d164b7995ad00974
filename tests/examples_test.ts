import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";

function deno(args: string[], env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    env: { XDG_RUNTIME_DIR: "/tmp", ...env },
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("examples are under 40 lines", async () => {
  for (const name of ["script.ts", "service.ts"]) {
    const text = await Deno.readTextFile(`examples/${name}`);
    assert(text.trimEnd().split("\n").length < 40, name);
  }
});

Deno.test("examples/script.ts continues its argument", async () => {
  const command = deno(["examples/script.ts", "Once upon a time"]);
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertStringIncludes(
    text,
    "Once upon a time, there was a little girl named Lily.",
  );
  assertStringIncludes(text, "[100 tokens, ");
});

/** Starts the service and returns its address, once it listens. */
async function startService() {
  const child = deno(["examples/service.ts"], { PORT: "0" }).spawn();
  // Deno.serve() says on stderr where it listens.
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  const closed = child.stdout.cancel();
  let output = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The service ended: ${output}`);
    output += value;
    const address = output.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    if (address === undefined) continue;
    return {
      address,
      pid: child.pid,
      async [Symbol.asyncDispose]() {
        child.kill("SIGTERM");
        await child.status;
        await reader.cancel();
        await closed;
      },
    };
  }
}

/** CPU time of a process in milliseconds. */
async function cpuTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of 10 ms
}

Deno.test("examples/service.ts streams an answer and stops with its client", async (t) => {
  await using service = await startService();

  await t.step("an answer comes as events", async () => {
    const response = await fetch(service.address, {
      method: "POST",
      body: "What is the capital of France?",
    });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const text = await response.text();
    const pieces = [...text.matchAll(/^data: (\{"text".*\})$/gm)]
      .map(([, json]) => JSON.parse(json!).text as string);
    assertEquals(pieces.join(""), "The capital of France is Paris.");
    assert(pieces.length > 3, "the answer came in one piece");
    assert(text.endsWith("event: done\ndata: {}\n\n"));
  });

  await t.step("other requests need not wait for the GPU", async () => {
    const body = "Hi! I'm looking for a recipe for a chocolate cake.";
    const answer = fetch(service.address, { method: "POST", body })
      .then((response) => response.text());
    const waited: number[] = [];
    let isDone = false;
    const end = answer.finally(() => isDone = true);
    while (!isDone) {
      const start = performance.now();
      const { status } = await fetch(service.address);
      waited.push(performance.now() - start);
      assertEquals(status, 405);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await end;
    waited.sort((a, b) => a - b);
    assertLess(waited[waited.length >> 1]!, 20);
  });

  await t.step("an error is an event", async () => {
    const body = "long ".repeat(2000);
    const response = await fetch(service.address, { method: "POST", body });
    const text = await response.text();
    assertStringIncludes(text, "event: error\n");
    assertStringIncludes(text, "Cannot fit the chat into the context");
  });

  await t.step({
    name: "the generation stops when the client leaves",
    ignore: Deno.build.os !== "linux", // /proc
    fn: async () => {
      const gone = new AbortController();
      const body = "Hi! I'm looking for a recipe for a chocolate cake.";
      const before = await cpuTime(service.pid);
      const whole = await fetch(service.address, { method: "POST", body });
      await whole.text();
      const cost = await cpuTime(service.pid) - before;

      const start = await cpuTime(service.pid);
      const response = await fetch(service.address, {
        method: "POST",
        body,
        signal: gone.signal,
      });
      await response.body!.getReader().read();
      gone.abort();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const left = await cpuTime(service.pid) - start;
      assert(left < 0.7 * cost, `${left} ms of CPU after ${cost} ms`);
    },
  });
});
