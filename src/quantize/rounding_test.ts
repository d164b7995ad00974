import { assertEquals } from "@std/assert";
import {
  fromHalf,
  nearestInt,
  nearestIntWithin,
  toBfloat,
  toHalf,
} from "./rounding.ts";

const { fround } = Math;

Deno.test("nearestInt() rounds halves to even when they fit", () => {
  const cases: [number, number][] = [
    [0, 0],
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [-2.4999998, -2],
    [1e-30, 0],
    [4194303, 4194303],
    [-4194304, -4194304],
  ];
  for (const [value, wanted] of cases) assertEquals(nearestInt(value), wanted);
});

Deno.test("nearestInt() reads the bits as llama.cpp does when a float is too large", () => {
  assertEquals(nearestInt(NaN), 0);
  assertEquals(nearestInt(Infinity), -4194304);
  assertEquals(nearestInt(-Infinity), -4194304);
  // 2^22 + 1.5 * 2^23 = 2^24, whose fraction is 0.
  assertEquals(nearestInt(2 ** 22), -4194304);
});

Deno.test("nearestIntWithin() limits on both sides", () => {
  assertEquals(nearestIntWithin(-3, 0, 15), 0);
  assertEquals(nearestIntWithin(15.6, 0, 15), 15);
  assertEquals(nearestIntWithin(7.4, 0, 15), 7);
});

Deno.test("toHalf() is the inverse of fromHalf() when a half is not NaN", () => {
  const view = new DataView(new ArrayBuffer(2));
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromHalf(bits);
    view.setUint16(0, bits);
    assertEquals(value, view.getFloat16(0));
    if (!Number.isNaN(value)) assertEquals(toHalf(value), bits);
  }
});

Deno.test("toHalf() rounds as DataView does when floats lie between halves", () => {
  const view = new DataView(new ArrayBuffer(4));
  for (let bits = 0; bits < 0x7f800000; bits += 12_345) {
    for (const signed of [bits, bits | 0x80000000]) {
      view.setUint32(0, signed);
      const value = view.getFloat32(0);
      view.setFloat16(0, value);
      if (toHalf(value) !== view.getUint16(0)) assertEquals(value, 0);
    }
  }
  // Halfway between two halves, and next to it.
  for (let bits = 0; bits < 0x7c00; bits++) {
    const middle = (fromHalf(bits) + Math.min(fromHalf(bits + 1), 65536)) / 2;
    assertEquals(toHalf(middle), bits + (bits & 1));
    assertEquals(toHalf(fround(middle * (1 + 2 ** -23))), bits + 1);
  }
  assertEquals(toHalf(Infinity), 0x7c00);
  assertEquals(toHalf(NaN) & 0x7fff, 0x7e00);
});

Deno.test("toBfloat() rounds halves to even and keeps NaN", () => {
  assertEquals(toBfloat(1), 0x3f80);
  assertEquals(toBfloat(-1), 0xbf80);
  assertEquals(toBfloat(1 + 2 ** -8), 0x3f80);
  assertEquals(toBfloat(1 + 3 * 2 ** -8), 0x3f82);
  assertEquals(toBfloat(1 + 2 ** -8 + 2 ** -20), 0x3f81);
  assertEquals(toBfloat(3.4e38), 0x7f80);
  assertEquals(toBfloat(Infinity), 0x7f80);
  assertEquals(toBfloat(NaN) & 0x7fff, 0x7fc0);
  assertEquals(toBfloat(2 ** -149), 0);
});
