// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, NameInvalidError } from "../errors.ts";

/** The most bytes of a name in UTF-8: the stack cuts longer ones. */
export const NAME_BYTES_MAX = 100;

// deno-lint-ignore no-control-regex -- control characters are exactly what a name must not have
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a text has neither a control character nor half of a surrogate pair. */
export function isPlainText(text: string): boolean {
  return !CONTROL.test(text) && text.isWellFormed();
}

/** Bytes of a name in UTF-8. */
export function nameBytes(name: string): number {
  return new TextEncoder().encode(name).length;
}

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
  if (!isPlainText(name)) throw new NameInvalidError(action, { value: name });
  return name;
}
