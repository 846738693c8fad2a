// SPDX-License-Identifier: Apache-2.0
// The part of @std/assert that the tests use, over node:assert/strict, for runtimes and places that cannot reach JSR.
// Without the "links" line of deno.json, Deno takes the real package instead; signatures are the same.
import assertStrict, { AssertionError } from "node:assert/strict";
import { inspect } from "node:util";

export { AssertionError };

// deno-lint-ignore no-explicit-any
type AnyConstructor = abstract new (...args: any[]) => any;
// deno-lint-ignore no-explicit-any
type ErrorConstructorOf<E extends Error> = abstract new (...args: any[]) => E;

/** The comparison failed: throws with what was found, what was expected, and the caller's own words. */
function refuse(what: string, msg: string | undefined): never {
  throw new AssertionError({ message: msg === undefined ? what : `${what}: ${msg}`, stackStartFn: refuse });
}

/** The value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError({ message: msg === "" ? `Expected a truthy value, got ${inspect(expr)}` : msg });
}

/** The value is falsy. */
export function assertFalse(expr: unknown, msg = ""): void {
  if (expr) throw new AssertionError({ message: msg === "" ? `Expected a falsy value, got ${inspect(expr)}` : msg });
}

/** The two values are equal, deeply and strictly. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  assertStrict.deepStrictEqual(actual, expected, msg);
}

/** The two values are not equal, deeply and strictly. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  assertStrict.notDeepStrictEqual(actual, expected, msg);
}

/** The two values are the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  assertStrict.strictEqual(actual, expected, msg);
}

/** The two values are not the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  assertStrict.notStrictEqual(actual, expected, msg);
}

/** The two numbers differ by at most the tolerance, by default one ten-millionth of the expected one. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const limit = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Math.abs(expected - actual) <= limit) return;
  refuse(`Expected ${actual} to lie within ${limit} of ${expected}`, msg);
}

/** The first value is greater than the second. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) refuse(`Expected ${inspect(actual)} > ${inspect(expected)}`, msg);
}

/** The first value is greater than the second, or equal. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) refuse(`Expected ${inspect(actual)} >= ${inspect(expected)}`, msg);
}

/** The first value is less than the second. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) refuse(`Expected ${inspect(actual)} < ${inspect(expected)}`, msg);
}

/** The first value is less than the second, or equal. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) refuse(`Expected ${inspect(actual)} <= ${inspect(expected)}`, msg);
}

/** The value is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) refuse(`Expected a value, got ${actual}`, msg);
}

/** The text contains the other text. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected ${inspect(actual)} to contain ${inspect(expected)}`, msg);
}

/** The text matches the pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

/** The text does not match the pattern. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) refuse(`Expected ${inspect(actual)} not to match ${expected}`, msg);
}

/** The list contains each of the expected values, compared deeply. */
export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, msg?: string): void {
  const missing = Array.from(expected).filter((want) => !Array.from(actual).some((have) => isEqual(have, want)));
  if (missing.length > 0) refuse(`Expected ${inspect(actual)} to contain ${inspect(missing)}`, msg);
}

/** The object has every property of the expected one, compared deeply. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  for (const key of Reflect.ownKeys(expected)) {
    const want = expected[key];
    const have = actual[key];
    if (isPlainObject(want) && typeof have === "object" && have !== null) assertObjectMatch(have, want, msg);
    else assertStrict.deepStrictEqual(have, want, msg ?? `Property ${String(key)}: ${inspect(have)}, ${inspect(want)}`);
  }
}

/** The value is an instance of the class. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  refuse(`Expected an instance of ${expectedType.name}, got ${inspect(actual)}`, msg === "" ? undefined : msg);
}

/** The value is an Error, of the class and with the text given. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorConstructorOf<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) refuse(`Expected an Error, got ${inspect(error)}`, msg);
  if (ErrorClass !== undefined && !(error instanceof ErrorClass)) {
    refuse(`Expected an error of class ${ErrorClass.name}, got ${inspect(error)}`, msg);
  }
  if (msgMatches === undefined) return;
  const matches = typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message);
  if (!matches) refuse(`Expected the message ${inspect(error.message)} to match ${inspect(msgMatches)}`, msg);
}

/** The function throws. Returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** The function throws an error of the class whose message contains the text. Returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorConstructorOf<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    if (typeof classOrMsg === "function") assertIsError(thrown, classOrMsg, msgIncludes, msg);
    return thrown;
  }
  refuse("Expected the function to throw", typeof classOrMsg === "string" ? classOrMsg : msg);
}

/** The function returns a promise that rejects. Resolves to the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** The function returns a promise that rejects with an error of the class whose message contains the text. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructorOf<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorConstructorOf<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const words = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    refuse(`Expected a rejection, but the function threw at once: ${inspect(error)}`, words);
  }
  try {
    await promise;
  } catch (error) {
    if (typeof classOrMsg === "function") assertIsError(error, classOrMsg, msgIncludes, msg);
    return error;
  }
  refuse("Expected the promise to reject", words);
}

/** Fails, saying why. */
export function fail(msg?: string): never {
  throw new AssertionError({ message: msg === undefined ? "Failed assertion" : `Failed assertion: ${msg}` });
}

/** Fails: this point must not be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError({ message: msg === undefined ? "Unreachable" : `Unreachable: ${msg}` });
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    assertStrict.deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

function isPlainObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
