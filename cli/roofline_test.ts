import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom";
import type { KernelTiming } from "../mod.ts";
import { TIMING } from "../tests/kernel_timing.ts";
import { drawRoofline } from "./roofline.ts";

/** Text elements, with their places added up over all transforms. */
function textsOf(svg: string): { text: string; x: number; y: number }[] {
  const { document } = parseHTML(svg) as unknown as {
    document: { querySelectorAll(selector: string): Iterable<Element> };
  };
  interface Element {
    textContent: string;
    parentElement: Element | null;
    getAttribute(name: string): string | null;
  }
  return [...document.querySelectorAll("text")].map((text) => {
    let [x, y] = [0, 0];
    for (let e: Element | null = text; e !== null; e = e.parentElement) {
      const [, dx, dy] = /translate\(([^,]+),([^)]+)\)/
        .exec(e.getAttribute("transform") ?? "") ?? [];
      x += Number(dx ?? 0) + Number(e.getAttribute("x") ?? 0);
      y += Number(dy ?? 0);
      const own = e.getAttribute("y") ?? "";
      if (!own.endsWith("em")) y += Number(own);
    }
    return { text: text.textContent, x, y };
  });
}

function timings(formats: readonly string[]): KernelTiming[] {
  return formats.flatMap((format, i) =>
    [1, 8, 512].flatMap((columns) =>
      (["f32", "int8"] as const).map((activations): KernelTiming => ({
        ...TIMING,
        format,
        columns,
        activations,
        flopsPerByte: (1 + i) * columns,
        flopsPerSecond: 1e12 * (1 + i) * Math.sqrt(columns),
      }))
    )
  );
}

const NAMES = Array.from({ length: 25 }, (_, i) => `IQ${i}_XXS`);

Deno.test("drawRoofline() labels each format, both axes and each ceiling", () => {
  for (const count of [1, 2, 3, 6, 10, 25]) {
    const formats = NAMES.slice(0, count);
    const svg = drawRoofline(timings(formats));
    const texts = textsOf(svg).map(({ text }) => text);
    for (const format of formats) assert(texts.includes(format), format);
    assert(texts.includes("GFLOP/s"));
    assert(texts.some((text) => text.startsWith("arithmetic intensity: FLOP")));
    assert(texts.includes("streaming reads 3000 GB/s"));
    assert(texts.includes("FMA 58.0 TFLOP/s"));
    assert(texts.includes("dot4I8Packed 104 TFLOP/s"));
    assert(texts.includes("1 column") && texts.includes("512 columns"));
    assert(!/NaN|undefined|Infinity/.test(svg));
  }
});

Deno.test("drawRoofline() keeps labels apart and inside of the picture", () => {
  const svg = drawRoofline(timings(NAMES));
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  const texts = textsOf(svg);
  const labels = texts.filter(({ text }) =>
    /^IQ|bits$|column|activ/.test(text)
  );
  assertEquals(labels.length, 25 + 25 + 3 + 2);
  for (const [i, a] of labels.entries()) {
    assert(a.x >= 0 && a.x + 7 * a.text.length <= Number(width), a.text);
    assert(a.y >= 0 && a.y <= Number(height), a.text);
    for (const b of labels.slice(i + 1)) {
      const [left, right] = a.x < b.x ? [a, b] : [b, a];
      const apart = Math.abs(a.y - b.y) >= 14 ||
        right.x >= left.x + 7 * left.text.length;
      assert(apart, `${a.text} and ${b.text}`);
    }
  }
});

Deno.test("drawRoofline() escapes what a driver calls itself", () => {
  const svg = drawRoofline([{ ...TIMING, device: "<GPU> & Co." }]);
  assertStringIncludes(svg, "&#60;GPU&#62; &#38; Co.");
});

Deno.test("drawRoofline() shows of several kernels for a product the fastest", () => {
  const [timing] = timings(["Q4_0"]) as [KernelTiming];
  const slow = { ...timing, flopsPerSecond: timing.flopsPerSecond / 10 };
  assertEquals(drawRoofline([slow, timing, slow]), drawRoofline([timing]));
});
