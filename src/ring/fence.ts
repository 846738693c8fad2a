// SPDX-License-Identifier: Apache-2.0
import process from "node:process";

const cell = new Int32Array(new SharedArrayBuffer(4));
/** x86-64 keeps loads in their order and stores in theirs; only a store may pass a later load, which Atomics.store prevents. */
const ORDERED = process.arch === "x64";

/**
 * A full barrier, where the processor needs one beside the order that `Atomics` already give.
 *
 * On arm64 an `Atomics.load` lets later accesses not go before it, but earlier ones go behind it, and an `Atomics.store` the other
 * way round: neither is a barrier in both directions. An exchange of a private word is.
 */
export function fence(): void {
  if (!ORDERED) Atomics.exchange(cell, 0, 0);
}
