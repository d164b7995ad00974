import { ByteWriter } from "../../src/gguf/byte_writer.ts";
import type { MadeTensor } from "./safetensors.ts";
import { writeZip } from "./zip.ts";

const STORAGES: Readonly<Record<string, string>> = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
};

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
};

/** Writes a `.bin` file as `torch.save()` writes a state_dict. */
export async function writePytorch(
  path: string,
  tensors: readonly MadeTensor[],
  options: { zip64?: boolean } = {},
): Promise<void> {
  const file = (name: string, bytes: Uint8Array) => ({
    name: `archive/${name}`,
    bytes: bytes.length,
    data: () => [bytes],
  });
  await writeZip(path, [
    file("data.pkl", pickleOf(tensors)),
    file("byteorder", new TextEncoder().encode("little")),
    ...tensors.map((tensor, i) => ({
      name: `archive/data/${i}`,
      bytes: tensor.bytes,
      data: () => tensor.data(),
    })),
    file("version", new TextEncoder().encode("3\n")),
  ], options);
}

/** The pickle of a state_dict, of protocol 2. */
export function pickleOf(
  tensors: readonly MadeTensor[],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const op = (text: string) =>
    writer.bytes(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    op("X");
    writer.u32(bytes.length);
    writer.bytes(bytes);
  };
  const integer = (value: number) => {
    op("\x8a\x08");
    writer.u64(value);
  };
  const tuple = (values: readonly number[]) => {
    op("(");
    values.forEach(integer);
    op("t");
  };
  op("\x80\x02ccollections\nOrderedDict\nq\x00)R(");
  for (const [i, { name, dtype, shape, bytes }] of tensors.entries()) {
    text(name);
    op("ctorch._utils\n_rebuild_tensor_v2\n((");
    text("storage");
    op(`ctorch\n${STORAGES[dtype]}\n`);
    text(String(i));
    text("cpu");
    integer(bytes / ELEMENT_BYTES[dtype]!);
    op("tQ");
    integer(0);
    tuple(shape);
    tuple(stridesOf(shape));
    op("\x89h\x00)RtR");
  }
  op("u}");
  text("_metadata");
  op("h\x00)Rsb.");
  return writer.finish();
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) =>
    shape.slice(i + 1).reduce((product, length) => product * length, 1)
  );
}
