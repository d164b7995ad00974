import { type Command, CommanderError } from "commander";
import { printError } from "./output.ts";

/** Exit code of a command that failed. */
const FAILED = 1;
/** Exit code of a command that was not understood. */
const USAGE = 2;
/** Exit code of a command that was interrupted, as shells have it. */
const INTERRUPTED = 130;

/**
 * Runs the command line.
 *
 * @param program The commands.
 * @param args The arguments.
 * @returns The exit code: 0, 1 after an error, 2 after a usage error.
 */
export async function runProgram(
  program: Command,
  args: readonly string[],
): Promise<number> {
  prepareDriver();
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version arrive here too, with the code 0.
      return error.exitCode === 0 ? 0 : USAGE;
    }
    if (error instanceof Deno.errors.BrokenPipe) return 0; // `… | head`
    if (error instanceof DOMException && error.name === "AbortError") {
      return INTERRUPTED;
    }
    printError(error instanceof Error ? error.message : String(error));
    if (Deno.env.has("SERAPH_DEBUG") && error instanceof Error) {
      printError(error.stack ?? "");
    }
    return FAILED;
  }
}

/** What a driver is to find in the environment, where nobody has set it. */
function prepareDriver(): void {
  if (Deno.build.os !== "linux") return;
  const defaults = {
    // Mesa complains on stderr where this is unset, and needs it for nothing.
    XDG_RUNTIME_DIR: "/tmp",
    // Without Vulkan, Deno would take OpenGL, which is many times slower.
    DENO_WEBGPU_BACKEND: "vulkan",
  };
  for (const [name, value] of Object.entries(defaults)) {
    if (!Deno.env.get(name)) Deno.env.set(name, value);
  }
}
