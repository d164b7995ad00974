import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { GpuMemoryError } from "../gpu/buffers.ts";
import { KernelCompileError } from "../gpu/kernel.ts";
import { packError, unpackError } from "./errors.ts";

/** Sends something that was thrown to another thread, as it were. */
function send(thrown: unknown): unknown {
  return unpackError(structuredClone(packError(thrown)));
}

class LocalError extends TypeError {
  override name = "LocalError";
  code = 5;
  list = [1, "2"];
  retry = () => true; // cannot be cloned
  nested = { retry: this.retry };
}

const ERRORS: Error[] = [
  new Error("plain"),
  new RangeError("far"),
  new TypeError(""),
  new SyntaxError("line\nline"),
  new ReferenceError("é"),
  new GpuMemoryError("weights", 5000, { free: 3 }),
  new KernelCompileError("matvec", ["1: wrong", "2: wrong"]),
  new Deno.errors.NotFound("no such file"),
  new Deno.errors.NotCapable("read"),
  new Error("outer", { cause: new RangeError("inner", { cause: 5 }) }),
  new Error("of nothing", { cause: undefined }),
];

Deno.test("unpackError() gives the error that packError() took", () => {
  for (const error of ERRORS) {
    const sent = send(error);
    assert(Error.isError(sent), error.message);
    assertStrictEquals(sent.constructor, error.constructor);
    assertEquals(sent.name, error.name);
    assertEquals(sent.message, error.message);
    assertEquals(sent.stack, error.stack);
    assertEquals({ ...sent }, { ...error });
    assertEquals("cause" in sent, "cause" in error);
    assertEquals(String(sent.cause), String(error.cause));
  }
});

Deno.test("unpackError() gives an exception its name", () => {
  const sent = send(new DOMException("too late", "TimeoutError"));
  assertInstanceOf(sent, DOMException);
  assertEquals([sent.name, sent.message], ["TimeoutError", "too late"]);
  assertEquals(sent.code, DOMException.TIMEOUT_ERR);
});

Deno.test("unpackError() gives an unknown class what it extends", () => {
  const sent = send(new LocalError("strange"));
  assertInstanceOf(sent, TypeError);
  assertEquals([sent.name, sent.message], ["LocalError", "strange"]);
  const { code, list } = sent as LocalError;
  assertEquals([code, list], [5, [1, "2"]]);
  assertFalse("retry" in sent || "nested" in sent);
});

Deno.test("unpackError() gives values that are no errors, too", () => {
  for (const value of [undefined, null, 0, "text", 5n]) {
    assertStrictEquals(send(value), value);
  }
  assertEquals(send({ a: [{ b: null }] }), { a: [{ b: null }] });
  assertEquals(send({ a: () => {} }), "[object Object]");
  const circle: { self?: object } = {};
  circle.self = circle;
  assertEquals(send(circle), "[object Object]");
  assertEquals(send(Symbol("s")), "Symbol(s)");
});
