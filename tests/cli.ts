import { projectFile } from "./engine.ts";

/** What a command came to. */
export interface CliResult {
  /** Exit code. */
  code: number;
  /** All of its standard output. */
  stdout: string;
  /** All of its standard error. */
  stderr: string;
}

/** Options for {@linkcode runCli}. */
export interface RunCliOptions {
  /** Standard input. Defaults to none. */
  stdin?: string;
  /** Environment variables over those of the test. */
  env?: Record<string, string>;
  /** The program. Defaults to `"cli.ts"`. */
  program?: string;
}

/**
 * Starts `cli.ts` in the root of the project.
 *
 * @param args The arguments.
 * @param options Its input and environment.
 * @returns The process, with all three streams piped.
 */
export function spawnCli(
  args: readonly string[],
  { env = {}, program = "cli.ts" }: RunCliOptions = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", program, ...args],
    cwd: projectFile("."),
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs `cli.ts` to its end.
 *
 * @param args The arguments; one string is cut at spaces.
 * @param options Its input and environment.
 * @returns What it said, and its exit code.
 */
export async function runCli(
  args: readonly string[] | string,
  options: RunCliOptions = {},
): Promise<CliResult> {
  const child = spawnCli(
    typeof args === "string" ? args.split(" ") : args,
    options,
  );
  const { stdin = "" } = options;
  const input = child.stdin.getWriter();
  // A command that reads no input may be gone before it is written.
  const written = input.write(new TextEncoder().encode(stdin))
    .then(() => input.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await written;
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/**
 * Runs a command that is to succeed with `--json`.
 *
 * @param args The arguments, without `--json`.
 * @returns The one document on standard output.
 */
export async function runJson(args: readonly string[] | string) {
  const list = typeof args === "string" ? args.split(" ") : args;
  const { code, stdout, stderr } = await runCli([...list, "--json"]);
  if (code !== 0 || stderr !== "") {
    throw new Error(`"${list.join(" ")}" exits with ${code}: ${stderr}`);
  }
  return JSON.parse(stdout);
}
