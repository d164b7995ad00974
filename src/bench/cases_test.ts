import { assertEquals, assertThrows } from "@std/assert";
import { CODECS } from "../kernels/quant/codecs.ts";
import { Q8_0 } from "../kernels/quant/q8_0.ts";
import {
  type CaseOptions,
  fileBytes,
  formatShape,
  leastTraffic,
  resolveCases,
} from "./cases.ts";

Deno.test("resolveCases() takes every format and the shapes of llama13b by default", () => {
  const { codecs, shapes, columns } = resolveCases({}, false);
  assertEquals(codecs, [...CODECS.values()]);
  assertEquals(shapes.map(formatShape), [
    "5120x5120",
    "5120x13824",
    "13824x5120",
    "5120x32000",
  ]);
  assertEquals(columns, [1, 8, 512]);
});

Deno.test("resolveCases() takes small shapes where they are wanted and none is given", () => {
  const small = resolveCases({}, true);
  assertEquals(small.shapes.map(formatShape), ["1024x1024"]);
  assertEquals(small.columns, [1, 8, 64]);
  const given = resolveCases({
    formats: ["q8_0"],
    shapes: [{ inputs: 64, outputs: 3 }],
    columns: [5],
  }, true);
  assertEquals(given.codecs, [Q8_0]);
  assertEquals(given.shapes.map(formatShape), ["64x3"]);
  assertEquals(given.columns, [5]);
});

Deno.test("resolveCases() refuses what is no case", () => {
  const shape = { inputs: 256, outputs: 256 };
  const wrong: [CaseOptions, string][] = [
    [{ formats: ["Q9"] }, 'benchmark "Q9": there is no such format, one of '],
    [{ formats: [] }, "benchmark: formats is empty, "],
    [{ shapes: [] }, "benchmark: shapes is empty, "],
    [{ columns: [] }, "benchmark: columns is empty, "],
    [{ columns: [0] }, "the number of columns is 0, an integer from 1 to "],
    [{ columns: [1.5] }, "the number of columns is 1.5, "],
    [{ shapes: [{ ...shape, inputs: -1 }] }, "the number of inputs is -1, "],
    [{ shapes: [{ ...shape, outputs: 1e9 }] }, "outputs is 1000000000, "],
    [
      { formats: ["Q8_0"], shapes: [{ inputs: 100, outputs: 7 }] },
      "benchmark Q8_0: a row of 100x7 has 100 weights, whole blocks of 32 are wanted",
    ],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => resolveCases(options, false), RangeError, message);
  }
});

Deno.test("fileBytes() and leastTraffic() count what a product reads and writes", () => {
  const shape = { inputs: 64, outputs: 3 };
  assertEquals(fileBytes(Q8_0, shape), 2 * 3 * 34);
  assertEquals(leastTraffic(Q8_0, shape, 5), 2 * 3 * 34 + 4 * 5 * (64 + 3));
});
