// SPDX-License-Identifier: Apache-2.0

/** Nobody wakes this cell: waiting at it is a sleep, which lets others have the CPU. */
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. */
export function sleep(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}
