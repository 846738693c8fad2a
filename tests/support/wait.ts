// SPDX-License-Identifier: Apache-2.0
// Waiting for a condition by polling with a deadline, in place of fixed sleeps.

/** How often a condition is looked at. */
const POLL_INTERVAL_MS = 5;

/** How long a condition may take where a test says nothing: far more than anything here needs, so that it only ends hangs. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** What `waitFor` can be told. */
export interface WaitOptions {
  /** How long the condition may take. */
  readonly timeoutMs?: number;
  /** What is waited for, for the error. */
  readonly what?: string;
}

/** Resolves after the given time. Not for waiting until something has happened: that is what `waitFor` is for. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Resolves to the first value of the condition that is neither false, null nor undefined.
 *
 * @param condition Looked at once at the start, then every 5 ms; may be asynchronous.
 * @param options The deadline, and words for the error.
 * @returns The value.
 * @throws {Error} When the deadline has passed.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value as Exclude<T, false | null | undefined>;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain for ${options.what ?? condition.toString()}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

/** Resolves as the promise does, or rejects when it has not settled at the deadline. */
export async function within<T>(promise: Promise<T>, options: WaitOptions = {}): Promise<T> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${timeoutMs} ms in vain for ${options.what ?? "a promise"}`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
