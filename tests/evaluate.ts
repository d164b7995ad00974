/**
 * Runs a program in a process of its own: the environment is one for all tests
 * of a run, and none may change it for the others.
 *
 * @param code The program.
 * @param env Its environment, nothing else of this one's being in it.
 * @returns What it writes to standard output.
 * @throws {Error} If it fails, with what it writes to standard error.
 */
export async function evaluate(
  code: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--cached-only", code],
    clearEnv: true,
    env,
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}
