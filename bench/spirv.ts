/**
 * Compiles matrix-vector products as hardware gets them, one after the other,
 * and says which SPIR-V module is whose: for `bench/spirv.sh`.
 *
 * @module
 */

import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { createMatrix } from "../src/kernels/matrix.ts";
import { createMatvec } from "../src/kernels/matvec.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";
import { matvecVariants } from "../src/kernels/variants.ts";

const VARIANTS = /^(4r\.1u\.64w|2r\.4u\.128w)/;

/** Modules that the shim has written so far. */
function modules(): number {
  const files = [...Deno.readDirSync(".")];
  return files.filter(({ name }) => name.endsWith(".spv")).length;
}

/** The device, taken for hardware. */
function asHardware(gpu: Gpu): Gpu {
  const info = new Proxy(gpu.info, {
    get: (target, key) =>
      key === "isFallbackAdapter" ? false : target[key as keyof GPUAdapterInfo],
  });
  return { ...gpu, info };
}

const gpu = asHardware(await requestGpu());
using pool = new BufferPool(gpu.device);
for (const name of Deno.args) {
  const codec = CODECS.get(name);
  if (codec === undefined) throw new TypeError(`No format is called "${name}"`);
  const shape = { label: name, rows: 64, cols: 5120, maxBytes: 2 ** 27 };
  const w = createMatrix(pool, { ...shape, codec });
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    for (const variant of matvecVariants(gpu, w, { int8 })) {
      if (!VARIANTS.test(variant.name)) continue;
      const before = modules();
      await createMatvec({ gpu, pool }, w, { variant, int8 });
      const input = int8 ? "int8" : "f32";
      const line = `${before} ${name} ${variant.name} ${input}\n`;
      await Deno.stdout.write(new TextEncoder().encode(line));
    }
  }
}
