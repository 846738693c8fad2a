// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, NameInvalidError } from "../errors.ts";

// deno-lint-ignore no-control-regex -- control characters are exactly what a name must not have
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Checks what the native library cannot: that a name is text, and that no two names become one when they are written as
 * UTF-8. Its length is checked there.
 *
 * @param action What is attempted, continuing the word "Cannot".
 * @param name The name.
 * @returns The name.
 * @throws {ArgumentError} When it is no string.
 * @throws {NameInvalidError} When it has a control character or half of a surrogate pair.
 */
export function checkName(action: string, name: unknown): string {
  if (typeof name !== "string") throw new ArgumentError(action, { value: name, condition: "a name must be a string" });
  if (CONTROL.test(name) || !name.isWellFormed()) throw new NameInvalidError(action, { value: name });
  return name;
}
