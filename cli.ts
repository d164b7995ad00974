#!/usr/bin/env -S deno run -A
/**
 * The `seraph` command: one file a subcommand in `cli/`.
 *
 * @module
 */

import { createProgram } from "./cli/program.ts";
import { runProgram } from "./cli/run.ts";

if (import.meta.main) {
  Deno.exit(await runProgram(createProgram(), Deno.args));
}
