import { assert, assertEquals, assertRejects } from "@std/assert";
import { inspectModel, loadModel } from "../mod.ts";
import { splitGguf } from "../src/gguf/split_file.ts";
import { continueIds, scoredLogits } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";
import { inTempFolder } from "./temp_folder.ts";

/** Splits a made model, of 21 tensors. */
async function withSplit(
  test: (paths: string[], whole: string) => Promise<void>,
): Promise<void> {
  await inTempFolder(async (folder) => {
    const whole = `${folder}/whole.gguf`;
    Deno.writeFileSync(whole, makeModel({}));
    await test(
      await splitGguf(whole, `${folder}/m`, { maxTensors: 6 }),
      whole,
    );
  });
}

Deno.test("loadModel() loads all parts of a split file when one is named", async () => {
  await withSplit(async (paths, whole) => {
    assertEquals(paths.length, 4);
    const ids = madeIds(12);
    await using model = await loadModel(whole);
    await using split = await loadModel(paths[2]!);
    assertEquals(
      await scoredLogits(split, ids),
      await scoredLogits(model, ids),
    );
    assertEquals(await continueIds(split, ids), await continueIds(model, ids));
  });
});

Deno.test("inspectModel() shows the tensors of all parts of a split file", async () => {
  await withSplit(async (paths, whole) => {
    const wanted = await inspectModel(whole);
    const { label, problem, parameters, tensors } = await inspectModel(
      paths[0]!,
    );
    assertEquals([label, problem], [paths[0], null]);
    assertEquals(parameters, wanted.parameters);
    assertEquals(
      tensors.map(({ name }) => name),
      wanted.tensors.map(({ name }) => name),
    );
    assert(
      tensors.every(({ offset }, i) =>
        i === 0 || offset > tensors[i - 1]!.offset
      ),
    );
  });
});

Deno.test("loadModel() names the part that is missing", async () => {
  await withSplit(async (paths) => {
    Deno.removeSync(paths[3]!);
    await assertRejects(
      () => loadModel(paths[0]!),
      Error,
      `part 4 of 4 "${paths[3]}": no such file`,
    );
  });
});
