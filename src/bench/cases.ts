import type { Codec } from "../kernels/quant/codec.ts";
import { CODECS } from "../kernels/quant/codecs.ts";

/** The shape of a weight matrix. */
export interface KernelShape {
  /** Length of a row: GGUF's first dimension. */
  inputs: number;
  /** Rows: GGUF's second dimension. */
  outputs: number;
}

/** What to multiply, by default. */
export interface CaseOptions {
  /** Weight formats by ggml's names. Defaults to all that have kernels. */
  formats?: readonly string[] | undefined;
  /** Shapes of the weights. Defaults to those of Llama 13B. */
  shapes?: readonly KernelShape[] | undefined;
  /**
   * Columns of the input. 1 is decode; 2 to 8 are measured as steps that are
   * decoded together, and as a prompt. Defaults to `[1, 8, 512]`.
   */
  columns?: readonly number[] | undefined;
}

/** What to multiply. */
export interface Cases {
  /** Formats, in the order asked for. */
  codecs: readonly Codec[];
  /** Shapes of the weights. */
  shapes: readonly KernelShape[];
  /** Columns of the input. */
  columns: readonly number[];
}

/** The products of Llama 13B: attention, gate and up, down, head. */
const LLAMA_13B: Pick<Cases, "shapes" | "columns"> = {
  shapes: [
    { inputs: 5120, outputs: 5120 },
    { inputs: 5120, outputs: 13824 },
    { inputs: 13824, outputs: 5120 },
    { inputs: 5120, outputs: 32000 },
  ],
  columns: [1, 8, 512],
};

/** What a software driver gets through in a fraction of a second each. */
const SMALL: typeof LLAMA_13B = {
  shapes: [{ inputs: 1024, outputs: 1024 }],
  columns: [1, 8, 64],
};

const LARGEST = 2 ** 24;

/** Writes a shape as people do: `"5120x13824"`, inputs first as in GGUF. */
export function formatShape({ inputs, outputs }: KernelShape): string {
  return `${inputs}x${outputs}`;
}

/**
 * Completes and checks what is to be measured.
 *
 * @param options What was asked for.
 * @param small Whether the rest is to be of sizes for a software driver.
 * @returns All cases, each format with each shape and number of columns.
 * @throws {RangeError} If there is no such format, or a shape is none of it.
 */
export function resolveCases(options: CaseOptions, small: boolean): Cases {
  const defaults = small ? SMALL : LLAMA_13B;
  const {
    formats = [...CODECS.keys()],
    shapes = defaults.shapes,
    columns = defaults.columns,
  } = options;
  const codecs = formats.map(findCodec);
  for (const n of columns) check("the number of columns", n);
  for (const shape of shapes) {
    const { inputs, outputs } = shape;
    check("the number of inputs", inputs);
    check("the number of outputs", outputs);
    for (const { name, fileBlock } of codecs) {
      if (inputs % fileBlock.weights === 0) continue;
      throw new RangeError(
        `Cannot benchmark ${name}: a row of ${
          formatShape(shape)
        } has ${inputs} weights, whole blocks of ${fileBlock.weights} are wanted`,
      );
    }
  }
  for (
    const [what, list] of Object.entries({ formats, shapes, columns })
  ) {
    if (list.length > 0) continue;
    throw new RangeError(
      `Cannot benchmark: ${what} is empty, at least one is wanted`,
    );
  }
  return { codecs, shapes, columns };
}

function findCodec(name: string): Codec {
  const codec = CODECS.get(name.toUpperCase());
  if (codec === undefined) {
    throw new RangeError(
      `Cannot benchmark "${name}": there is no such format, one of ${
        [...CODECS.keys()].join(", ")
      } is wanted`,
    );
  }
  return codec;
}

function check(what: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST) return;
  throw new RangeError(
    `Cannot benchmark: ${what} is ${value}, an integer from 1 to ${LARGEST} is wanted`,
  );
}

/** Bytes that weights of this shape take in a file. */
export function fileBytes(
  { fileBlock }: Codec,
  { inputs, outputs }: KernelShape,
): number {
  return inputs / fileBlock.weights * fileBlock.bytes * outputs;
}

/** Bytes that a product moves at least: the file's weights, and f32 in and out. */
export function leastTraffic(
  codec: Codec,
  shape: KernelShape,
  columns: number,
): number {
  const { inputs, outputs } = shape;
  return fileBytes(codec, shape) + 4 * columns * (inputs + outputs);
}
