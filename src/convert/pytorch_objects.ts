import type { PickleGlobal } from "./pickle.ts";

/** What a tensor's elements are taken from, as a pickle names it. */
export interface Storage {
  /** Type of the elements, as safetensors calls it. */
  readonly dtype: string;
  /** Name of its file in the archive. */
  readonly key: string;
  /** How many elements it has. */
  readonly elements: number;
}

/** A tensor as a pickle describes it: a view of a storage. */
export class PickledTensor {
  /**
   * Creates a {@linkcode PickledTensor}.
   *
   * @param storage What it is a view of.
   * @param offset Where it starts, in elements.
   * @param shape Its dimensions, the slowest first.
   * @param stride Elements from one to the next along each dimension.
   */
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {}

  /** Whether its elements lie one behind the other. */
  get isContiguous(): boolean {
    let wanted = 1;
    for (let i = this.shape.length - 1; i >= 0; i--) {
      if (this.shape[i]! > 1 && this.stride[i] !== wanted) return false;
      wanted *= this.shape[i]!;
    }
    return true;
  }
}

/** The types of storages, by their names in torch. */
const STORAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
]);

/** All that the pickle of a state_dict calls. */
const CALLABLE: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    {
      name: "collections.OrderedDict",
      call(args: readonly unknown[]) {
        if (args.length === 0) return new Map();
        throw new Error(`${args.length} arguments are given, none are wanted`);
      },
    },
    { name: "torch._utils._rebuild_tensor_v2", call: rebuildTensor },
    {
      name: "torch._utils._rebuild_parameter",
      call([tensor]: readonly unknown[]) {
        if (tensor instanceof PickledTensor) return tensor;
        throw new Error("its first argument is no tensor");
      },
    },
  ].map((global) => [global.name, global]),
);

/**
 * Finds what the pickle of a state_dict may ask for.
 *
 * @param name Module and name.
 * @returns What it stands for, `undefined` for all else.
 */
export function findTorchGlobal(name: string): PickleGlobal | undefined {
  const callable = CALLABLE.get(name);
  if (callable !== undefined) return callable;
  return STORAGE_TYPES.has(name) ? { name } : undefined;
}

/**
 * Reads the persistent id that stands for a storage.
 *
 * @param id `("storage", type, key, device, elements)`
 * @returns The storage.
 * @throws {SyntaxError} If it is another.
 */
export function loadStorage(id: unknown): Storage {
  const [kind, type, key, _device, elements] = Array.isArray(id) ? id : [];
  const dtype = STORAGE_TYPES.get((type as PickleGlobal)?.name);
  const isKey = typeof key === "string" && /^\w+$/.test(key);
  if (kind === "storage" && dtype && isKey && isCount(elements)) {
    return { dtype, key, elements };
  }
  throw new SyntaxError("its pickle has a storage of an unknown kind");
}

/** `(storage, offset, shape, stride, requires_grad, hooks)` */
function rebuildTensor(args: readonly unknown[]): PickledTensor {
  const [storage, offset, shape, stride] = args;
  const isView = isStorage(storage) && isCount(offset) && isShape(shape) &&
    isShape(stride) && shape.length === stride.length;
  if (!isView) throw new Error("its arguments are none of a tensor");
  return new PickledTensor(storage, offset, shape, stride);
}

function isStorage(value: unknown): value is Storage {
  return typeof value === "object" && value !== null && "key" in value &&
    "dtype" in value && "elements" in value;
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= 16 && value.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
