// SPDX-License-Identifier: Apache-2.0
import { ArgumentError } from "../errors.ts";

/** The longest wait, in milliseconds: what a 32-bit timer can count. */
export const WAIT_MS_MAX = 2_147_483_647;

/**
 * Checks a timeout.
 *
 * @param timeoutMs What the user gave; Infinity means the longest wait.
 * @param action What is attempted, continuing the word "Cannot".
 * @returns Milliseconds, 0 to WAIT_MS_MAX.
 */
export function waitTimeoutMs(timeoutMs: unknown, action: string): number {
  if (typeof timeoutMs !== "number" || Number.isNaN(timeoutMs) || timeoutMs < 0) {
    throw new ArgumentError(action, {
      value: timeoutMs,
      condition: "the timeout must be a number of milliseconds from 0",
    });
  }
  return Math.min(timeoutMs, WAIT_MS_MAX);
}
