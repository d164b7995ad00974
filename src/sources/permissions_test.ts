import { assertEquals, assertRejects } from "@std/assert";
import { HostileServer } from "../../tests/hostile_server.ts";
import { makeModel } from "../../tests/models.ts";
import { readGguf } from "../gguf/reader.ts";
import { openInput } from "./open.ts";

const MODEL = makeModel();
const URL_OF_NOTHING = "http://127.0.0.1:4321/m.gguf";

Deno.test({
  name: "openInput() names the permission when the network is not allowed",
  permissions: { read: true, write: true, env: true },
  fn: () =>
    assertRejects(
      () => openInput(URL_OF_NOTHING),
      Error,
      'no permission to reach "127.0.0.1:4321", run Deno with --allow-net=127.0.0.1:4321',
    ).then(() => {}),
});

for (
  const [missing, permissions, message] of [
    ["read", { write: true, env: true, net: true }, "--allow-read"],
    ["write", { read: true, env: true, net: true }, "--allow-write"],
    [
      "env",
      { read: true, write: true, net: true },
      "--allow-env or give cacheDir",
    ],
  ] as const
) {
  Deno.test({
    name: `openInput() names the permission when ${missing} is not allowed`,
    permissions,
    async fn() {
      await using server = new HostileServer({ "/m.gguf": MODEL });
      await using source = await openInput(server.url("/m.gguf"));
      assertEquals((await readGguf(source)).size, MODEL.length);
      await assertRejects(() => source.prepare!(), Error, message);
    },
  });
}
