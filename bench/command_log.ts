/** What a dispatch waits for, by the barrier before it. */
export type Dependency =
  /** None: it may run beside the one before. */
  | "none"
  /** It reads what another one wrote. */
  | "read"
  /** It writes, in place, what another one wrote too. */
  | "write"
  /** It writes what others may still be reading: another buffer would do. */
  | "overwrite"
  /** Nothing but the way of reading changes: the barrier could go. */
  | "layout";

/** A stretch of commands, counted. */
export interface CommandCounts {
  /** `vkCmdDispatch`, and what each of them waits for. */
  dispatches: Dependency[];
  /** `vkCmdPipelineBarrier`, those around copies included. */
  barriers: number;
  /** Those of them that stand right before a dispatch. */
  dispatchBarriers: number;
  /** `vkQueueSubmit`. */
  submits: number;
  /** Command buffers in them. */
  commandBuffers: number;
}

const READ = 0x20;
const WRITE = 0x40;

/**
 * Counts the commands in a log of the Vulkan shim.
 *
 * @param log Its lines, or some of them.
 * @returns The counts.
 */
export function countCommands(log: string): CommandCounts {
  const counts: CommandCounts = {
    dispatches: [],
    barriers: 0,
    dispatchBarriers: 0,
    submits: 0,
    commandBuffers: 0,
  };
  let waiting: Dependency = "none";
  for (const line of log.split("\n")) {
    if (line.startsWith("vkCmdPipelineBarrier")) {
      counts.barriers++;
      waiting = dependencyOf(line);
    } else if (line.startsWith("vkCmdDispatch")) {
      if (waiting !== "none") counts.dispatchBarriers++;
      counts.dispatches.push(waiting);
      waiting = "none";
    } else if (line.startsWith("vkQueueSubmit")) {
      counts.submits++;
      waiting = "none";
      for (const [, count] of line.matchAll(/cmdbufs (\d+)/g)) {
        counts.commandBuffers += Number(count);
      }
    }
  }
  return counts;
}

/** The strongest reason for a barrier among its buffers. */
function dependencyOf(line: string): Dependency {
  const kinds = new Set<Dependency>();
  for (
    const [, source, target] of line.matchAll(
      /\[(?:buf [\da-f]+|mem) ([\da-f]+)->([\da-f]+)/g,
    )
  ) {
    const before = parseInt(source!, 16);
    const after = parseInt(target!, 16);
    if ((after & WRITE) > 0) {
      kinds.add((before & WRITE) > 0 ? "write" : "overwrite");
    } else if ((before & WRITE) > 0 && (after & READ) > 0) {
      kinds.add("read");
    } else {
      kinds.add("layout");
    }
  }
  const order: Dependency[] = ["read", "write", "overwrite", "layout"];
  return order.find((kind) => kinds.has(kind)) ?? "none";
}
