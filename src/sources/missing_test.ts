import { assert, assertRejects, assertStringIncludes } from "@std/assert";
import { withFolder } from "../../tests/folder.ts";
import { openInput } from "./open.ts";

Deno.test("openInput() helps with a path that leads to no model", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/model-q4_0.gguf`, "");
    await Deno.mkdir(`${folder}/sub`);
    await Deno.writeTextFile(`${folder}/sub/model.safetensors`, "");
    for (
      const [input, message] of [
        [
          `${folder}/modl-q4_0.gguf`,
          `did you mean "${folder}/model-q4_0.gguf"?`,
        ],
        [
          folder,
          `it is a directory, a file is wanted; it has ${folder}/model-`,
        ],
        [`${folder}/sub`, "it is a checkpoint for seraph convert"],
        ["owner/some-model-GGUF", 'did you mean "hf:owner/some-model-GGUF" on'],
        ["ftp://h/m.gguf", 'its scheme is "ftp:", file:, http:, https: or hf:'],
        ["http://", "it is no valid URL"],
        [
          "http://me:word@h:99999/m",
          'model "http://h:99999/m": it is no valid',
        ],
        ["ftp://me:w@rd@h/m.gguf", 'model "ftp://h/m.gguf": its scheme'],
        ["http://h/models/", "it is a folder, the URL of a file is wanted"],
      ] as const
    ) {
      const { message: told } = await assertRejects(
        () => openInput(input),
        Error,
      );
      assertStringIncludes(told, message);
      assert(told.startsWith("Cannot "), told);
    }
  }));
