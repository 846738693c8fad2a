// SPDX-License-Identifier: Apache-2.0
import process from "node:process";

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * One of the two engines compiles `Atomics.load` to a locked compare-and-exchange. That is a write to the processor: it ends the
 * process on memory that is mapped read-only, and it takes the cache line away from whoever writes there.
 */
const LOADS_WRITE = process.versions["bun"] !== undefined;

/** x86-64 keeps loads in their order. */
const ORDERED = process.arch === "x64";

/**
 * Loads a word that another thread or process may store at any time; what is read after it is not older than it.
 *
 * Where `Atomics.load` writes it is done by a plain load. An `Atomics` access to a word of our own keeps the compiler from using
 * what it loaded before, or from moving loads across; x86-64, the only processor that this engine is tested on here, keeps them in order.
 */
export function loadWord(words: Int32Array, index: number): number {
  if (!LOADS_WRITE) return Atomics.load(words, index);
  Atomics.load(cell, 0);
  const word = words[index]!;
  if (!ORDERED) Atomics.exchange(cell, 0, 0);
  return word;
}
