/**
 * A stand-in for `@std/assert` on top of `node:assert`, for machines that reach
 * npm but not jsr. It has the names and the semantics of the real package that
 * the tests use; to switch, point `@std/assert` in `deno.json` at
 * `jsr:@std/assert@1`.
 *
 * @module
 */

import {
  AssertionError,
  deepStrictEqual,
  notDeepStrictEqual,
} from "node:assert";

export { AssertionError };

// deno-lint-ignore no-explicit-any -- any constructor can be asserted on
type ErrorClass<E> = abstract new (...args: any[]) => E;

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError({ message: msg });
}

/** Asserts that `expr` is falsy. */
export function assertFalse(expr: unknown, msg?: string): void {
  if (expr) {
    throw new AssertionError({ message: msg ?? "Expected a falsy value" });
  }
}

/** Asserts that `actual` and `expected` are equal, deeply. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  deepStrictEqual(actual, expected, msg);
}

/** Asserts that `actual` and `expected` are not equal, deeply. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  notDeepStrictEqual(actual, expected, msg);
}

/** Asserts that `actual` and `expected` are the same value by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    throw new AssertionError({
      message: msg ?? "Values are not strictly equal",
      actual,
      expected,
      operator: "strictEqual",
    });
  }
}

/** Asserts that `actual` is neither null nor undefined. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    throw new AssertionError({
      message: msg ??
        `Expected actual: "${actual}" to not be null or undefined`,
    });
  }
}

/** Asserts that `actual` is an instance of `expectedType`. */
export function assertInstanceOf<E>(
  actual: unknown,
  expectedType: ErrorClass<E>,
  msg?: string,
): asserts actual is E {
  if (!(actual instanceof expectedType)) {
    throw new AssertionError({
      message: msg ??
        `Expected an instance of "${expectedType.name}" but was "${
          (actual as object | null)?.constructor?.name ?? typeof actual
        }"`,
    });
  }
}

/** Asserts that `actual` is greater than `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) {
    throw new AssertionError({
      message: msg ?? `Expect ${actual} > ${expected}`,
    });
  }
}

/** Asserts that `actual` is less than `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) {
    throw new AssertionError({
      message: msg ?? `Expect ${actual} < ${expected}`,
    });
  }
}

/** Asserts that `actual` is greater than or equal to `expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) {
    throw new AssertionError({
      message: msg ?? `Expect ${actual} >= ${expected}`,
    });
  }
}

/** Asserts that `actual` is less than or equal to `expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) {
    throw new AssertionError({
      message: msg ?? `Expect ${actual} <= ${expected}`,
    });
  }
}

/** Asserts that `actual` contains `expected`. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (!actual.includes(expected)) {
    throw new AssertionError({
      message: msg ?? `Expected actual: "${actual}" to contain: "${expected}"`,
    });
  }
}

/** Asserts that `actual` matches `expected`. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) {
    throw new AssertionError({
      message: msg ?? `Expected actual: "${actual}" to match: "${expected}"`,
    });
  }
}

/** Asserts that two numbers differ by at most `tolerance`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const limit = tolerance ??
    (isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (!(Math.abs(expected - actual) <= limit)) {
    throw new AssertionError({
      message: msg ??
        `Expected actual: "${actual}" to be close to "${expected}": delta is greater than "${limit}"`,
    });
  }
}

function assertIsError<E extends Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any -- see above
  ErrorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
): asserts error is E {
  assertInstanceOf(error, ErrorClass ?? Error);
  const { message } = error as Error;
  if (typeof msgMatches === "string") {
    assertStringIncludes(message, msgMatches);
  } else if (msgMatches) {
    assertMatch(message, msgMatches);
  }
}

/** Asserts that `fn` throws; with an error class, that it throws that. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- see above
  ErrorClass?: abstract new (...args: any[]) => E,
  msgIncludes?: string,
): E {
  let error: unknown;
  try {
    fn();
  } catch (caught) {
    error = caught;
    assertIsError(error, ErrorClass, msgIncludes);
    return error;
  }
  throw new AssertionError({ message: "Expected function to throw" });
}

/** Asserts that `fn` rejects; with an error class, that it rejects with that. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- see above
  ErrorClass?: abstract new (...args: any[]) => E,
  msgIncludes?: string,
): Promise<E> {
  let error: unknown;
  try {
    await fn();
  } catch (caught) {
    error = caught;
    assertIsError(error, ErrorClass, msgIncludes);
    return error;
  }
  throw new AssertionError({ message: "Expected function to reject" });
}
