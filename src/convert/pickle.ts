import { quote } from "../gguf/quote.ts";
import { PickleReader } from "./pickle_reader.ts";

/** A name that a pickle asks for, and what it stands for. */
export interface PickleGlobal {
  /** Module and name, as in `"collections.OrderedDict"`. */
  readonly name: string;
  /** What calling it gives. Defaults to not being callable. */
  readonly call?: (args: readonly unknown[]) => unknown;
}

/** What a pickle may ask for. */
export interface PickleOptions {
  /** What errors call the pickle. */
  label: string;
  /** Finds a name; `undefined` refuses it. */
  findGlobal(name: string): PickleGlobal | undefined;
  /** What a persistent id stands for. */
  load(id: unknown): unknown;
}

/** Marks where the items of a tuple, list or dictionary begin. */
const MARK = Symbol("mark");

/** Many times what the weights of a large model need. */
const MAX_STEPS = 400_000;

/** What runs, an instruction a step. */
class Machine {
  readonly stack: unknown[] = [];
  readonly memo = new Map<number, unknown>();
  readonly #label: string;

  constructor(label: string) {
    this.#label = label;
  }

  fail(problem: string): never {
    throw new SyntaxError(`Cannot read "${this.#label}": ${problem}`);
  }

  pop(): unknown {
    if (this.stack.length === 0) {
      this.fail("its pickle takes what is not there");
    }
    const value = this.stack.pop();
    if (value === MARK) this.fail("its pickle takes a mark for a value");
    return value;
  }

  /** Everything down to the last mark, which goes too. */
  popMark(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) this.fail("its pickle has no mark where one is wanted");
    const items = this.stack.splice(at);
    items.shift();
    return items;
  }

  popMany(count: number): unknown[] {
    const items = Array.from({ length: count }, () => this.pop());
    return items.reverse();
  }

  top(): unknown {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  topList(): unknown[] {
    const value = this.top();
    return Array.isArray(value) && !Object.isFrozen(value)
      ? value
      : this.fail("its pickle appends to what is no list");
  }

  topMap(): Map<unknown, unknown> {
    const value = this.top();
    return value instanceof Map
      ? value
      : this.fail("its pickle sets an item of what is no dictionary");
  }

  setItems(items: readonly unknown[]): void {
    if (items.length % 2 !== 0) this.fail("its pickle has a key without value");
    const map = this.topMap();
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  recall(index: number): unknown {
    if (!this.memo.has(index)) {
      this.fail(`its pickle recalls ${index}, which it never stored`);
    }
    return this.memo.get(index);
  }
}

/**
 * Runs a pickle that holds nothing but numbers, texts, lists, dictionaries and
 * the names that it is allowed to call: everything else that a pickle could do
 * is refused by name, and nothing of it is run.
 *
 * @param bytes The pickle.
 * @param options What it may ask for.
 * @returns Its value: lists are arrays, tuples frozen arrays, dictionaries maps.
 * @throws {SyntaxError} If it is no such pickle.
 * @throws {TypeError} If it asks for a name that it may not have.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): unknown {
  const { label } = options;
  const reader = new PickleReader(bytes, label);
  const machine = new Machine(label);
  const { stack } = machine;
  for (let steps = 0;; steps++) {
    // Each of them may make an object, many times its own size.
    if (steps > MAX_STEPS) {
      machine.fail(`its pickle has over ${MAX_STEPS} steps`);
    }
    const code = reader.u8();
    if (code === 0x2e) { // STOP
      const value = machine.pop();
      return stack.length === 0
        ? value
        : machine.fail("its pickle ends with values left over");
    }
    const value = VALUES[code];
    if (value !== undefined) stack.push(value(reader, machine));
    else if (CALLS[code] !== undefined) CALLS[code]!(reader, machine, options);
    else {
      machine.fail(
        `its pickle has the instruction 0x${
          code.toString(16).padStart(2, "0")
        } at byte ${reader.offset - 1}, which weights have no need of`,
      );
    }
  }
}

type Value = (reader: PickleReader, machine: Machine) => unknown;

/** Instructions that put a value on the stack, by their numbers. */
const VALUES: Readonly<Record<number, Value | undefined>> = {
  0x28: () => MARK, // (
  0x29: () => Object.freeze([]), // EMPTY_TUPLE )
  0x42: (reader) => reader.bytes(reader.u32()), // BINBYTES B
  0x43: (reader) => reader.bytes(reader.u8()), // SHORT_BINBYTES C
  0x47: (reader) => reader.f64(), // BINFLOAT G
  0x4a: (reader) => reader.i32(), // BININT J
  0x4b: (reader) => reader.u8(), // BININT1 K
  0x4d: (reader) => reader.u16(), // BININT2 M
  0x4e: () => null, // NONE N
  0x58: (reader) => reader.text(reader.u32()), // BINUNICODE X
  0x5d: () => [], // EMPTY_LIST ]
  0x68: (reader, machine) => machine.recall(reader.u8()), // BINGET h
  0x6a: (reader, machine) => machine.recall(reader.u32()), // LONG_BINGET j
  0x74: (_, machine) => Object.freeze(machine.popMark()), // TUPLE t
  0x7d: () => new Map(), // EMPTY_DICT }
  0x85: (_, machine) => Object.freeze(machine.popMany(1)), // TUPLE1
  0x86: (_, machine) => Object.freeze(machine.popMany(2)), // TUPLE2
  0x87: (_, machine) => Object.freeze(machine.popMany(3)), // TUPLE3
  0x88: () => true, // NEWTRUE
  0x89: () => false, // NEWFALSE
  0x8a: (reader) => reader.long(reader.u8()), // LONG1
  0x8c: (reader) => reader.text(reader.u8()), // SHORT_BINUNICODE
};

type Call = (
  reader: PickleReader,
  machine: Machine,
  options: PickleOptions,
) => void;

/** The other instructions, by their numbers. */
const CALLS: Readonly<Record<number, Call | undefined>> = {
  0x80(reader, machine) { // PROTO
    const version = reader.u8();
    if (version < 2 || version > 5) {
      machine.fail(`its pickle is of protocol ${version}, 2 to 5 are wanted`);
    }
  },
  0x95(reader) { // FRAME
    reader.bytes(8);
  },
  0x61(_, machine) { // APPEND a
    const value = machine.pop();
    machine.topList().push(value);
  },
  0x65(_, machine) { // APPENDS e
    const items = machine.popMark();
    const list = machine.topList();
    for (const item of items) list.push(item);
  },
  0x73(_, machine) { // SETITEM s
    machine.setItems(machine.popMany(2));
  },
  0x75(_, machine) { // SETITEMS u
    machine.setItems(machine.popMark());
  },
  0x71(reader, machine) { // BINPUT q
    machine.memo.set(reader.u8(), machine.top());
  },
  0x72(reader, machine) { // LONG_BINPUT r
    machine.memo.set(reader.u32(), machine.top());
  },
  0x94(_, machine) { // MEMOIZE
    machine.memo.set(machine.memo.size, machine.top());
  },
  0x51(_, machine, options) { // BINPERSID Q
    machine.stack.push(options.load(machine.pop()));
  },
  0x63(reader, machine, options) { // GLOBAL c
    const name = `${reader.line()}.${reader.line()}`;
    machine.stack.push(findGlobal(name, options));
  },
  0x93(_, machine, options) { // STACK_GLOBAL
    const [module, name] = machine.popMany(2);
    if (typeof module !== "string" || typeof name !== "string") {
      return machine.fail("its pickle asks for a name that is no text");
    }
    machine.stack.push(findGlobal(`${module}.${name}`, options));
  },
  0x52(_, machine, options) { // REDUCE R
    const [global, args] = machine.popMany(2) as [PickleGlobal, unknown];
    if (!isGlobal(global) || global.call === undefined) {
      return machine.fail("its pickle calls what cannot be called");
    }
    if (!Array.isArray(args)) {
      return machine.fail(`its pickle calls ${global.name} without arguments`);
    }
    machine.stack.push(call(global, args, options));
  },
  0x62(_, machine) { // BUILD b
    // Attributes of an OrderedDict, such as the _metadata of a state_dict.
    const state = machine.pop();
    machine.topMap();
    if (!(state instanceof Map)) {
      machine.fail("its pickle sets attributes of an unknown kind");
    }
  },
};

const GLOBALS = new WeakSet<PickleGlobal>();

function isGlobal(value: unknown): value is PickleGlobal {
  return typeof value === "object" && value !== null &&
    GLOBALS.has(value as PickleGlobal);
}

function findGlobal(
  name: string,
  { label, findGlobal }: PickleOptions,
): PickleGlobal {
  const global = findGlobal(name);
  if (global === undefined) {
    throw new TypeError(
      `Cannot read "${label}": its pickle asks for ${
        quote(name)
      }, which is no part of weights and is not run`,
    );
  }
  GLOBALS.add(global);
  return global;
}

function call(
  { name, call }: PickleGlobal,
  args: readonly unknown[],
  { label }: PickleOptions,
): unknown {
  try {
    return call!(args);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read "${label}": its pickle calls ${name}: ${
        (error as Error).message
      }`,
    );
  }
}
