import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Activations, Ceilings, KernelTiming } from "../mod.ts";
import { significant } from "./kernel_rows.ts";
import {
  compose,
  type Drawing,
  drawLegend,
  type LegendItem,
  type SvgDocument,
} from "./roofline_legend.ts";
import { COLORS, INK, MUTED, SYMBOLS } from "./roofline_style.ts";

/** A measured kernel on the plot. */
interface Point {
  format: string;
  activations: Activations;
  columns: number;
  /** Bits of a weight in the file. */
  bits: number;
  /** Operations by bytes. */
  x: number;
  /** GFLOP/s. */
  y: number;
}

/** The ceilings in units of the axes: GB/s and GFLOP/s. */
type Roof = Record<"stream" | "fma" | "dot", number>;

const WIDTH = 1000;
const MARGIN = { top: 4, right: 16, bottom: 52, left: 66 };
/** Where the legend and the panels begin. */
const [LEGEND, PANELS] = [58, 112];

/**
 * Draws a roofline: operations a second against arithmetic intensity, both
 * logarithmic, one panel a format so that 25 of them stay legible.
 *
 * @param timings Measurements of one run, at least one.
 * @returns An SVG document.
 */
export function drawRoofline(timings: readonly KernelTiming[]): string {
  const [{ ceilings, device }] = timings as [KernelTiming];
  // Deno's types know no DOM.
  const { document } = parseHTML("<html></html>") as unknown as {
    document: SvgDocument;
  };
  const points = fastest(timings).map(toPoint);
  const roof = toRoof(ceilings);
  const { panels, height } = drawPanels(document, points, roof);
  const legend = drawLegend(document, legendOf(points, roof), WIDTH);
  return compose({
    title: "Roofline of matrix products",
    subtitle: device,
    width: WIDTH,
    height: PANELS + height,
    parts: [[legend, LEGEND], [panels, PANELS]],
  });
}

/** Of several kernels for the same product the fastest. */
function fastest(timings: readonly KernelTiming[]): KernelTiming[] {
  const products = Map.groupBy(
    timings,
    ({ format, inputs, outputs, columns, activations }) =>
      [format, inputs, outputs, columns, activations].join(),
  );
  return [...products.values()].map((kernels) =>
    kernels.reduce((a, b) => a.flopsPerSecond >= b.flopsPerSecond ? a : b)
  );
}

function toPoint(timing: KernelTiming): Point {
  const { format, activations, columns, inputs, outputs } = timing;
  return {
    format,
    activations,
    columns,
    bits: 8 * timing.fileBytes / (inputs * outputs),
    x: timing.flopsPerByte,
    y: timing.flopsPerSecond / 1e9,
  };
}

function toRoof(ceilings: Ceilings): Roof {
  return {
    stream: ceilings.streamBytesPerSecond / 1e9,
    fma: ceilings.fmaFlopsPerSecond / 1e9,
    dot: ceilings.dotFlopsPerSecond / 1e9,
  };
}

function drawPanels(
  document: SvgDocument,
  points: readonly Point[],
  roof: Roof,
): { panels: Drawing; height: number } {
  const firsts = [...Map.groupBy(points, ({ format }) => format).values()]
    .map(([first]) => first!);
  const across = panelsAcross(firsts.length);
  const down = Math.ceil(firsts.length / across);
  const panel = across === 1 ? 430 : across === 2 ? 300 : 190;
  const height = down * panel + MARGIN.top + MARGIN.bottom;
  const indexes = new Map(firsts.map(({ format }, i) => [format, i]));
  const facet = {
    fx: ({ format }: Point) => indexes.get(format)! % across,
    fy: ({ format }: Point) => Math.floor(indexes.get(format)! / across),
  };
  const { x, y } = domains(points, roof, across === 1 ? 2 : 8);
  const axis = {
    tickFormat: plain,
    tickSize: 4,
    labelAnchor: "center",
    labelArrow: "none",
  } as const;
  const panels = Plot.plot({
    document,
    width: WIDTH,
    height,
    marginTop: MARGIN.top,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    style: { fontSize: "12px", color: INK },
    x: { type: "log", domain: x },
    y: { type: "log", domain: y },
    fx: { domain: range(across), axis: null, padding: across > 1 ? 0.08 : 0 },
    fy: { domain: range(down), axis: null, padding: down > 1 ? 0.12 : 0 },
    symbol: { domain: columnsOf(points), range: [...SYMBOLS] },
    marks: [
      Plot.gridX({ ticks: decades(x), strokeOpacity: 0.09 }),
      Plot.gridY({ ticks: decades(y), strokeOpacity: 0.09 }),
      Plot.axisX({
        ...axis,
        ticks: decades(x),
        label:
          "arithmetic intensity: FLOP per byte of weights (as in the file), input and output",
        labelOffset: 42,
      }),
      Plot.axisY({
        ...axis,
        ticks: decades(y),
        label: "GFLOP/s",
        labelOffset: 52,
      }),
      ...roofMarks(roof, { x, y }),
      Plot.line(medians(points), {
        ...facet,
        x: "x",
        y: "y",
        z: ({ format, activations }: Point) => format + activations,
        stroke: ({ activations }: Point) => COLORS[activations],
        strokeOpacity: 0.45,
        strokeWidth: 1.5,
      }),
      Plot.dot(points, {
        ...facet,
        x: "x",
        y: "y",
        symbol: "columns",
        r: across > 3 ? 3 : 4,
        fill: ({ activations }: Point) => COLORS[activations],
        fillOpacity: 0.85,
        stroke: "white",
        strokeWidth: 0.6,
      }),
      ...labelMarks(firsts, facet),
      Plot.frame({ stroke: "#c9cdd6" }),
    ],
  }) as unknown as Drawing;
  return { panels, height };
}

function panelsAcross(count: number): number {
  if (count <= 4) return Math.min(2, count);
  return count <= 9 ? 3 : count <= 16 ? 4 : 5;
}

/** The axes: all that is drawn, and room above it for labels. */
function domains(points: readonly Point[], roof: Roof, above: number) {
  const { stream, fma, dot } = roof;
  const xs = [...points.map(({ x }) => x), fma / stream, dot / stream];
  const ys = [...points.map(({ y }) => y), fma, dot];
  return {
    x: [Math.min(...xs) / 2, Math.max(...xs) * 2] as const,
    y: [Math.min(...ys) / 2, Math.max(...ys) * above] as const,
  };
}

type Axes = ReturnType<typeof domains>;

function roofMarks({ stream, fma, dot }: Roof, { x, y }: Axes) {
  const start = Math.max(x[0], y[0] / stream);
  const ridge = Math.max(fma, dot) / stream;
  const lines = [
    [INK, [[start, stream * start], [ridge, stream * ridge]]],
    [COLORS.f32, [[fma / stream, fma], [x[1], fma]]],
    [COLORS.int8, [[dot / stream, dot], [x[1], dot]]],
  ] as const;
  return lines.map(([stroke, points]) =>
    Plot.line(points, {
      stroke,
      strokeWidth: 1.3,
      strokeDasharray: stroke === COLORS.int8 ? "5,3" : "",
    })
  );
}

function labelMarks(firsts: readonly Point[], facet: Plot.TextOptions) {
  const styles: Plot.TextOptions[] = [
    { text: "format", dy: 8, fontWeight: 600, fontSize: 13, fill: INK },
    {
      text: ({ bits }: Point) => `${Number(bits.toPrecision(3))} bits`,
      dy: 24,
      fill: MUTED,
    },
  ];
  return styles.map((style) =>
    Plot.text(firsts, { ...facet, ...style, frameAnchor: "top-left", dx: 8 })
  );
}

function legendOf(
  points: readonly Point[],
  { stream, fma, dot }: Roof,
): LegendItem[][] {
  const paths = new Set(points.map(({ activations }) => activations));
  return [
    [
      ...columnsOf(points).map((n, i): LegendItem => ({
        text: n === 1 ? "1 column" : `${n} columns`,
        color: INK,
        symbol: SYMBOLS[i % SYMBOLS.length]!,
      })),
      ...[...paths].map((path): LegendItem => ({
        text: `${path} activations`,
        color: COLORS[path],
        symbol: "circle",
      })),
    ],
    [
      { text: `streaming reads ${rate(stream, "B/s")}`, color: INK },
      { text: `FMA ${rate(fma, "FLOP/s")}`, color: COLORS.f32 },
      {
        text: `dot4I8Packed ${rate(dot, "FLOP/s")}`,
        color: COLORS.int8,
        dash: "5,3",
      },
    ],
  ];
}

function columnsOf(points: readonly Point[]): number[] {
  return [...new Set(points.map(({ columns }) => columns))]
    .sort((a, b) => a - b);
}

/** The median point of each format, path and number of columns, in order. */
function medians(points: readonly Point[]): Point[] {
  const groups = Map.groupBy(
    points,
    (p) => `${p.format} ${p.activations} ${p.columns}`,
  );
  const middle = (values: number[]) =>
    values.sort((a, b) => a - b)[values.length >> 1]!;
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    x: middle(group.map(({ x }) => x)),
    y: middle(group.map(({ y }) => y)),
  })).sort((a, b) => a.x - b.x);
}

/** The powers of ten between two values. */
function decades([least, most]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(least));
  const last = Math.floor(Math.log10(most));
  return range(last - first + 1).map((i) => 10 ** (first + i));
}

/** 10^9 a second, or 10^12 where there are many. */
function rate(giga: number, unit: string): string {
  return giga < 1e4
    ? `${significant(giga)} G${unit}`
    : `${significant(giga / 1000)} T${unit}`;
}

function plain(value: number): string {
  return value >= 1000 ? `${value / 1000}k` : String(value);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
