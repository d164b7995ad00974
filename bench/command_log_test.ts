import { assertEquals } from "@std/assert";
import { countCommands } from "./command_log.ts";

const barrier = (...buffers: string[]) =>
  `vkCmdPipelineBarrier stages 889->2888 mem 0 buf ${buffers.length} img 0 ${
    buffers.map((kind, i) => `[buf 55b${i} ${kind} off 0 size 1844]`).join(" ")
  }`;
const DISPATCH = "vkCmdBindPipeline 555b\nvkCmdDispatch 24 1 1";

Deno.test("countCommands() tells what dispatches wait for", () => {
  const log = [
    DISPATCH,
    barrier("60->20"),
    DISPATCH,
    barrier("20->60", "60->20", "28->8"),
    DISPATCH,
    DISPATCH,
    barrier("20->60", "60->60"),
    DISPATCH,
    barrier("20->60"),
    DISPATCH,
    barrier("28->8"),
    DISPATCH,
    barrier("60->800"),
    "vkQueueSubmit submits 2 cmdbufs 5 cmdbufs 3",
    DISPATCH,
  ].join("\n");
  assertEquals(countCommands(log), {
    dispatches: [
      ...["none", "read", "read", "none", "write", "overwrite", "layout"],
      "none",
    ] as ReturnType<typeof countCommands>["dispatches"],
    barriers: 6,
    dispatchBarriers: 5,
    submits: 1,
    commandBuffers: 8,
  });
});

Deno.test("countCommands() finds nothing in an empty log", () => {
  const { dispatches, ...counts } = countCommands("");
  assertEquals(dispatches, []);
  assertEquals(counts, {
    barriers: 0,
    dispatchBarriers: 0,
    submits: 0,
    commandBuffers: 0,
  });
});
