import { assert, assertEquals } from "@std/assert";
import { CLASS_UNITS, createClassTable } from "./unicode_classes.ts";

const PATTERNS: [keyof typeof CLASS_UNITS, RegExp][] = [
  ["letter", /\p{L}/u],
  ["number", /\p{N}/u],
  ["punctuation", /\p{P}/u],
  ["symbol", /\p{S}/u],
  ["mark", /\p{M}/u],
];
const NAMES = new Map(
  Object.entries(CLASS_UNITS).map(([name, unit]) => [unit as number, name]),
);

Deno.test("createClassTable() agrees with the engine on all but newer characters", () => {
  const table = createClassTable();
  assertEquals(table.length, 0x110000);
  let newer = 0;
  for (let code = 0x80; code < table.length; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCodePoint(code);
    const found = PATTERNS.find(([, pattern]) => pattern.test(character))?.[0];
    const name = NAMES.get(table[code]!)!;
    if (name === "other" && found !== undefined) newer++;
    else if (name !== "space") assertEquals(name, found ?? "other", `${code}`);
  }
  assert(newer < 20_000, `${newer} characters are newer than Unicode 15.1`);
});

Deno.test("createClassTable() knows white space, and ASCII as it is", () => {
  const table = createClassTable();
  const spaces = Array.from(table.keys())
    .filter((code) => code >= 0x80 && table[code] === CLASS_UNITS.space);
  assertEquals(
    String.fromCodePoint(...spaces),
    "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008" +
      "\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
  );
  assertEquals([...table.subarray(0, 0x80)], [...Array(0x80).keys()]);
});

Deno.test("createClassTable() takes characters of later Unicode versions for nothing", () => {
  const table = createClassTable();
  // U+1C89, a letter, and U+10D40, a digit, came with Unicode 16
  assertEquals(table[0x1c89], CLASS_UNITS.other);
  assertEquals(table[0x10d40], CLASS_UNITS.other);
  // U+2FFC, a symbol, came with 15.1
  assertEquals(table[0x2ffc], CLASS_UNITS.symbol);
});
