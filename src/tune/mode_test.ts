import { assertEquals, assertThrows } from "@std/assert";
import { type TuneMode, tuneMode } from "./mode.ts";

/** Runs `fn` with `$SERAPH_TUNE` set. */
function withVariable(value: string, fn: () => void): void {
  const before = Deno.env.get("SERAPH_TUNE");
  Deno.env.set("SERAPH_TUNE", value);
  try {
    fn();
  } finally {
    if (before === undefined) Deno.env.delete("SERAPH_TUNE");
    else Deno.env.set("SERAPH_TUNE", before);
  }
}

Deno.test("tuneMode() takes the program's word before the variable's", () =>
  withVariable("force", () => {
    assertEquals(tuneMode("off"), "off");
    assertEquals(tuneMode(undefined), "force");
  }));

Deno.test("tuneMode() is cached when nothing is asked for", () =>
  withVariable("", () => assertEquals(tuneMode(undefined), "cached")));

Deno.test("tuneMode() rejects what is no mode", () =>
  withVariable("always", () => {
    assertThrows(
      () => tuneMode(undefined),
      TypeError,
      'Cannot load model: SERAPH_TUNE is "always", one of off, cached, force is wanted',
    );
    assertThrows(
      () => tuneMode("on" as TuneMode),
      TypeError,
      'Cannot load model: tune is "on", one of off, cached, force is wanted',
    );
  }));
