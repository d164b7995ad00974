import { ModelMemoryError } from "../engine/plan_error.ts";
import { GpuMemoryError } from "../gpu/buffers.ts";
import { KernelCompileError } from "../gpu/kernel.ts";

/** What was thrown, as it goes from thread to thread. */
export type SentError =
  | { kind: "value"; value: unknown }
  | { kind: "DOMException"; name: string; message: string; stack: string }
  | {
    kind: "Error";
    /** Key of the class. */
    type: string;
    message: string;
    stack: string;
    /** At most one. */
    cause: SentError[];
    /** What else a program may ask it for. */
    fields: Record<string, unknown>;
  };

/** The classes that keep theirs; others become the one they extend. */
function classes(): Map<string, { readonly prototype: Error }> {
  const own = {
    Error,
    EvalError,
    GpuMemoryError,
    KernelCompileError,
    ModelMemoryError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  };
  const system: Record<string, { readonly prototype: Error }> =
    globalThis.Deno?.errors ?? {};
  return new Map([
    ...Object.entries(system).map(([key, type]) =>
      [`Deno.errors.${key}`, type] as const
    ),
    ...Object.entries(own),
  ]);
}

/**
 * Packs what was thrown, to be sent to another thread.
 *
 * @param thrown Anything.
 * @returns What can be cloned, whatever it is.
 */
export function packError(thrown: unknown): SentError {
  if (thrown instanceof DOMException) {
    const { name, message, stack = "" } = thrown;
    return { kind: "DOMException", name, message, stack };
  }
  if (!(thrown instanceof Error)) {
    const value = isPlain(thrown) ? thrown : String(thrown);
    return { kind: "value", value };
  }
  const { message, stack = "" } = thrown;
  const fields = Object.entries(thrown).filter(([key, value]) =>
    key !== "cause" && key !== "stack" && isPlain(value)
  );
  return {
    kind: "Error",
    type: typeOf(thrown),
    message,
    stack,
    cause: "cause" in thrown ? [packError(thrown.cause)] : [],
    fields: Object.fromEntries(fields),
  };
}

/**
 * Unpacks what {@linkcode packError} has packed.
 *
 * @param sent What was sent.
 * @returns An error of the same class with the same message, cause, stack and
 * other values; the value itself where something else was thrown.
 */
export function unpackError(sent: SentError): unknown {
  if (sent.kind === "value") return sent.value;
  const { message, stack } = sent;
  if (sent.kind === "DOMException") {
    const exception = new DOMException(message, sent.name);
    return Object.defineProperty(exception, "stack", { value: stack });
  }
  const [cause] = sent.cause;
  const error = new Error(
    message,
    cause === undefined ? {} : { cause: unpackError(cause) },
  );
  // Own classes make up their messages, so their constructors are of no use.
  const { prototype } = classes().get(sent.type) ?? Error;
  Object.setPrototypeOf(error, prototype);
  error.stack = stack;
  return Object.assign(error, sent.fields);
}

/** Key of the first class in its chain that keeps its own. */
function typeOf(error: Error): string {
  const keys = new Map(
    Array.from(classes(), ([key, { prototype }]) => [prototype, key]),
  );
  let prototype: object | null = Object.getPrototypeOf(error);
  while (prototype !== null && !keys.has(prototype as Error)) {
    prototype = Object.getPrototypeOf(prototype);
  }
  return keys.get(prototype as Error) ?? "Error";
}

/** Levels of lists and records that are looked into: errors may hold circles. */
const DEPTH = 6;

/** Whether a value is data, which can be cloned. */
function isPlain(value: unknown, depth = DEPTH): boolean {
  if (value !== Object(value)) return typeof value !== "symbol";
  const isData = Array.isArray(value) ||
    Object.getPrototypeOf(value) === Object.prototype;
  return isData && depth > 0 &&
    Object.values(value as object).every((item) => isPlain(item, depth - 1));
}
