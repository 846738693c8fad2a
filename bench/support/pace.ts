// SPDX-License-Identifier: Apache-2.0

/** Looks at the clock until it shows `timeMs` of `performance.now()`: exact to the clock's own resolution, and busy. */
export function spinUntil(timeMs: number): void {
  while (performance.now() < timeMs);
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread, asleep, until `timeMs` of `performance.now()`; late by what the system's timers are late. */
export function sleepUntil(timeMs: number): void {
  const left = timeMs - performance.now();
  // Nobody wakes this cell.
  if (left > 0) Atomics.wait(cell, 0, 0, left);
}
