import * as Plot from "@observablehq/plot";
import { INK, MUTED, type SYMBOLS } from "./roofline_style.ts";

/** An entry of a legend: a symbol or a piece of a line, and what it means. */
export interface LegendItem {
  /** What it means. */
  text: string;
  /** Its colour. */
  color: string;
  /** The symbol, where it is one. */
  symbol?: (typeof SYMBOLS)[number];
  /** The dashes of the line, where it has any. */
  dash?: string;
}

/** Where Plot makes its elements. */
export type SvgDocument = NonNullable<Plot.PlotOptions["document"]>;

/** Something that draws itself as SVG. */
export type Drawing = { outerHTML: string };

const LINE_HEIGHT = 22;
/** Pixels from one entry to the next, and of a character. */
const [GAP, CHARACTER] = [24, 6.6];
/** Where all lines and headings begin. */
const LEFT = 18;

/**
 * Draws a legend of several lines.
 *
 * @param document Where the elements are made.
 * @param lines The entries of each line.
 * @param width Pixels.
 * @returns The drawing.
 */
export function drawLegend(
  document: SvgDocument,
  lines: readonly (readonly LegendItem[])[],
  width: number,
): Drawing {
  const items = lines.flatMap((line, row) => {
    const y = (row + 0.5) * LINE_HEIGHT;
    let end = LEFT;
    return line.map((item) => {
      const start = end;
      const text = start + (item.symbol === undefined ? 24 : 10) + 7;
      end = text + CHARACTER * item.text.length + GAP;
      return { ...item, start, textX: text, y };
    });
  });
  return Plot.plot({
    document,
    width,
    height: lines.length * LINE_HEIGHT,
    margin: 0,
    style: { fontSize: "12px", color: INK },
    x: { type: "identity", axis: null },
    y: { type: "identity", axis: null },
    marks: [
      ...items.map(({ start, y, color, symbol, dash = "" }) =>
        symbol === undefined
          ? Plot.line([[start, y], [start + 24, y]], {
            stroke: color,
            strokeWidth: 2,
            strokeDasharray: dash,
          })
          : Plot.dot([[start + 5, y]], { symbol, r: 4.5, fill: color })
      ),
      Plot.text(items, {
        x: "textX",
        y: "y",
        text: "text",
        textAnchor: "start",
      }),
    ],
  }) as unknown as Drawing;
}

/** A picture of several drawings below each other. */
export interface Composition {
  /** The heading. */
  title: string;
  /** A second line. */
  subtitle: string;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** Drawings, and where each begins from the top. */
  parts: readonly (readonly [drawing: Drawing, y: number])[];
}

/**
 * Puts drawings together.
 *
 * @param composition The drawings and their heading.
 * @returns An SVG document on a white ground.
 */
export function compose(composition: Composition): string {
  const { title, subtitle, width, height, parts } = composition;
  const heading = (text: string, y: number, style: string) =>
    `<text x="${LEFT}" y="${y}" ${style}>${escapeXml(text)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
    ` viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    '<rect width="100%" height="100%" fill="white"/>',
    heading(title, 28, `font-size="18" font-weight="600" fill="${INK}"`),
    heading(subtitle, 48, `font-size="13" fill="${MUTED}"`),
    ...parts.map(([drawing, y]) =>
      drawing.outerHTML.replace("<svg ", `<svg y="${y}" `)
    ),
    "</svg>\n",
  ].join("\n");
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (c) => `&#${c.codePointAt(0)};`);
}
