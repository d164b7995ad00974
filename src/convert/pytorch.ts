import { quote } from "../gguf/quote.ts";
import type { ByteSource } from "../gguf/source.ts";
import { readPickle } from "./pickle.ts";
import {
  findTorchGlobal,
  loadStorage,
  PickledTensor,
} from "./pytorch_objects.ts";
import {
  type CheckpointTensor,
  countElements,
  dtypeBytes,
} from "./tensor_file.ts";
import { readZip, type ZipEntry } from "./zip.ts";

const PICKLE = /^([^/]+)\/data\.pkl$/;

/**
 * Reads which tensors a file of `torch.save()` has, and where they lie in it.
 * Its pickle can make tensors and dictionaries and nothing else: no code of it is
 * run. Errors name the file and the tensor.
 *
 * @param source The file; none of its tensor data is read.
 * @returns The tensors in the order of the state_dict.
 * @throws {SyntaxError} If it is no such file.
 * @throws {TypeError} If its pickle asks for what is no part of weights.
 * @throws {RangeError} If a tensor goes beyond its storage.
 */
export async function readPytorch(
  source: ByteSource,
): Promise<CheckpointTensor[]> {
  await refuseOldFormats(source);
  const entries = new Map(
    (await readZip(source)).map((entry) => [entry.name, entry]),
  );
  const { prefix, pickle } = findPickle(source.label, entries);
  await checkByteOrder(source, entries.get(`${prefix}/byteorder`));
  const value = readPickle(await readEntry(source, pickle), {
    label: source.label,
    findGlobal: findTorchGlobal,
    load: loadStorageOf(source.label),
  });
  return tensorsOf(source.label, value).map(([name, tensor]) =>
    place(source, { name, tensor, entries, prefix })
  );
}

/** Before version 1.6 PyTorch wrote pickles, and before 0.1 tar archives. */
async function refuseOldFormats(source: ByteSource): Promise<void> {
  const head = new Uint8Array(Math.min(4, source.size));
  await source.readInto(head, 0);
  if (head[0] === 0x50 && head[1] === 0x4b) return; // PK
  const kind = head[0] === 0x80
    ? "a bare pickle, as PyTorch wrote before version 1.6"
    : "no zip archive";
  throw new SyntaxError(
    `Cannot read "${source.label}": it is ${kind}, ` +
      "what torch.save() of version 1.6 or later writes is wanted",
  );
}

function findPickle(
  label: string,
  entries: ReadonlyMap<string, ZipEntry>,
): { prefix: string; pickle: ZipEntry } {
  const found = [...entries.values()].flatMap((pickle) => {
    const prefix = PICKLE.exec(pickle.name)?.[1];
    return prefix === undefined ? [] : [{ prefix, pickle }];
  });
  if (found.length === 1) return found[0]!;
  throw new SyntaxError(
    `Cannot read "${label}": it has ${found.length} files data.pkl, ` +
      "one is wanted",
  );
}

async function checkByteOrder(
  source: ByteSource,
  entry: ZipEntry | undefined,
): Promise<void> {
  if (entry === undefined) return;
  const order = entry.bytes > 16
    ? "?"
    : new TextDecoder().decode(await readEntry(source, entry));
  if (order === "little") return;
  throw new TypeError(
    `Cannot read "${source.label}": its byte order is ${quote(order)}, ` +
      '"little" is wanted',
  );
}

async function readEntry(
  source: ByteSource,
  { name, offset, bytes }: ZipEntry,
): Promise<Uint8Array> {
  if (bytes > 16 * 2 ** 20) {
    throw new RangeError(
      `Cannot read "${source.label}": ${quote(name)} has ${bytes} bytes, ` +
        "at most 16 MiB are wanted",
    );
  }
  const target = new Uint8Array(bytes);
  await source.readInto(target, offset);
  return target;
}

function loadStorageOf(label: string): (id: unknown) => unknown {
  return (id) => {
    try {
      return loadStorage(id);
    } catch (error) {
      throw new SyntaxError(
        `Cannot read "${label}": ${(error as Error).message}`,
      );
    }
  };
}

/** A training checkpoint has its weights one level down. */
function tensorsOf(label: string, value: unknown): [string, PickledTensor][] {
  const nested = value instanceof Map ? value.get("state_dict") : undefined;
  const state = nested instanceof Map ? nested : value;
  if (!(state instanceof Map)) {
    throw new SyntaxError(
      `Cannot read "${label}": it holds no dictionary, the state_dict of a ` +
        "model is wanted",
    );
  }
  return [...state].map(([name, tensor]) => {
    if (typeof name === "string" && tensor instanceof PickledTensor) {
      return [name, tensor];
    }
    throw new TypeError(
      `Cannot read "${label}": ${
        typeof name === "string" ? quote(name) : "what has no name"
      } is no tensor, ` +
        "names and tensors are wanted",
    );
  });
}

function place(
  source: ByteSource,
  { name, tensor, entries, prefix }: {
    name: string;
    tensor: PickledTensor;
    entries: ReadonlyMap<string, ZipEntry>;
    prefix: string;
  },
): CheckpointTensor {
  const start = `Cannot read "${source.label}": tensor ${quote(name)}`;
  const { storage, shape, offset } = tensor;
  const file = `${prefix}/data/${storage.key}`;
  const entry = entries.get(file);
  if (entry === undefined) {
    throw new SyntaxError(`${start} is in ${quote(file)}, which is missing`);
  }
  if (!tensor.isContiguous) {
    throw new RangeError(
      `${start} has the shape [${shape.join(", ")}] with the strides ` +
        `[${tensor.stride.join(", ")}], a contiguous tensor is wanted`,
    );
  }
  const elements = countElements(shape);
  const size = dtypeBytes(storage.dtype)!;
  const first = offset * size;
  const bytes = (elements ?? Infinity) * size;
  if (storage.elements * size > entry.bytes || first + bytes > entry.bytes) {
    throw new RangeError(
      `${start} takes ${elements ?? "over 2^53"} elements from ${offset} on ` +
        `of ${storage.elements}, and ${quote(file)} has ${entry.bytes} bytes`,
    );
  }
  return {
    name,
    dtype: storage.dtype,
    shape,
    source,
    offset: entry.offset + first,
    bytes,
  };
}
