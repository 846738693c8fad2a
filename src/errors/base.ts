// SPDX-License-Identifier: Apache-2.0

/** What is known about one failure beside the action that failed. */
export interface ErrorDetails {
  /** The offending value. */
  readonly value?: unknown;
  /** The limit that the value broke. */
  readonly limit?: number | undefined;
  /** What is wrong, in place of the words that the class has for it. */
  readonly condition?: string | undefined;
  /** What to do about it, in place of the words that the class has for it. */
  readonly remedy?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The constructor that every error class of this module shares. */
export interface IpcErrorClass {
  /** Makes the error; `action` continues the word "Cannot". */
  new (action: string, details?: ErrorDetails): IpcError;
  /** The stable code of the class, `QIPC_...`. */
  readonly code: string;
  /** What is wrong, in words. */
  readonly condition: string;
  /** What to do about it, in words. */
  readonly remedy: string;
}

const SHOWN_TEXT_MAX = 120;

/**
 * Words for an offending value in a message: short, on one line, and no error of the value's own code.
 *
 * @param value The value to show.
 * @returns Its literal for a primitive, its kind for anything else.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string": {
      const cut = value.length > SHOWN_TEXT_MAX ? `${value.slice(0, SHOWN_TEXT_MAX)}...` : value;
      return JSON.stringify(cut);
    }
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "boolean":
    case "undefined":
      return String(value);
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    default:
      return value === null ? "null" : describeObject(value as object);
  }
}

function describeObject(value: object): string {
  try {
    const length: unknown = Array.isArray(value) ? value.length : undefined;
    if (typeof length === "number") return `an array of ${length}`;
    const bytes: unknown = ArrayBuffer.isView(value) ? value.byteLength : undefined;
    if (typeof bytes === "number") return `a view of ${bytes} bytes`;
  } catch {
    // A proxy or a getter of the caller's.
  }
  return "an object";
}

/**
 * The base of every error that this module throws.
 *
 * The message has one form: `Cannot <action>: <condition> (value V, limit L); <remedy>`. Match on `code` or on the class, which
 * are stable, and not on the message, which is for people.
 *
 * @example Telling the errors of this module from others
 * ```ts
 * import { ArgumentError, IpcError } from "@qaultra/ipc";
 *
 * const error = new ArgumentError("broadcast", { value: "text" });
 * console.log(error instanceof IpcError, error.code); // true QIPC_ARGUMENT
 * ```
 */
export class IpcError extends Error {
  /** The stable code of this class. */
  static readonly code: string = "QIPC_ERROR";
  /** What is wrong, in words. */
  static readonly condition: string = "it failed";
  /** What to do about it, in words. */
  static readonly remedy: string = "see the cause";

  /** The stable code, `QIPC_...`, listed in `ERROR_CODES`. */
  readonly code: string;
  /** The offending value, when there is one. */
  readonly value?: unknown;
  /** The limit that the value broke, when there is one. */
  readonly limit?: number;
  /** What to do about it. */
  readonly remedy: string;

  /**
   * Makes the error.
   *
   * @param action What was attempted, continuing the word "Cannot".
   * @param details The offending value, the limit, other words, the cause.
   */
  constructor(action: string, details: ErrorDetails = {}) {
    const condition = details.condition ?? new.target.condition;
    const remedy = details.remedy ?? new.target.remedy;
    const figures: string[] = [];
    if (details.value !== undefined) figures.push(`value ${describeValue(details.value)}`);
    if (details.limit !== undefined) figures.push(`limit ${details.limit}`);
    const shown = figures.length === 0 ? "" : ` (${figures.join(", ")})`;
    super(
      `Cannot ${action}: ${condition}${shown}; ${remedy}`,
      "cause" in details ? { cause: details.cause } : undefined,
    );
    this.name = new.target.name;
    this.code = new.target.code;
    this.remedy = remedy;
    if (details.value !== undefined) this.value = details.value;
    if (details.limit !== undefined) this.limit = details.limit;
  }
}
