/** What runs this program, with its version: WebGPU comes with it. */
export function runtimeName(): string {
  const { Deno } = globalThis as { Deno?: { version: { deno: string } } };
  return Deno === undefined
    ? globalThis.navigator.userAgent
    : `Deno ${Deno.version.deno}`;
}
