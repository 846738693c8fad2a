// SPDX-License-Identifier: Apache-2.0
//
// Access to words that another thread or process uses at the same time, at the price that each place needs.
//
// `Atomics` would do everywhere. But one of the two engines calls a function for each of them, which takes as long as the rest of
// a look at a slot, and the other compiles `Atomics.load` to a locked compare-and-exchange: that is a write to the processor, so
// it ends the process on memory that is mapped read-only, and takes the cache line away from whoever writes there.
//
// x86-64 keeps loads in the order of loads and stores in that of stores, and makes both whole for a word. Neither engine moves
// an access to a typed array across an `Atomics` access or a call, and none changes the order of stores. So there a plain access
// is enough wherever it is said below; on other processors it is an `Atomics` access.
import process from "node:process";

const cell = new Int32Array(new SharedArrayBuffer(4));
const KEEPS_ORDER = process.arch === "x64";
const LOADS_WRITE = process.versions["bun"] !== undefined;

/** Loads a word as it is now; what is read afterwards is not older than it. */
export function loadWord(words: Int32Array, index: number): number {
  if (!LOADS_WRITE) return Atomics.load(words, index);
  // An access to a word of our own keeps the compiler from using what it loaded before.
  Atomics.load(cell, 0);
  const word = words[index]!;
  if (!KEEPS_ORDER) Atomics.exchange(cell, 0, 0);
  return word;
}

/** The same right after an `Atomics` access, a call or a look by `loadWord`, which is what keeps the compiler from using an old one. */
export function loadWordAfter(words: Int32Array, index: number): number {
  return KEEPS_ORDER ? words[index]! : loadWord(words, index);
}

/** Stores a word after everything that was stored before: whoever sees it sees that. */
export function storeRelease(words: Int32Array, index: number, value: number): void {
  if (KEEPS_ORDER) words[index] = value;
  else Atomics.store(words, index, value);
}

/** Stores a word before anything that is stored afterwards: whoever sees that sees it. */
export function storeBefore(words: Int32Array, index: number, value: number): void {
  if (KEEPS_ORDER) {
    words[index] = value;
    return;
  }
  // A sequentially consistent store lets later stores go before it; the exchange of a private word does not.
  Atomics.store(words, index, value);
  Atomics.exchange(cell, 0, 0);
}

/**
 * A barrier for loads: what is loaded afterwards is not older than what was loaded before. An `Atomics.load` lets later accesses not
 * go before it, but earlier ones go behind it; an exchange of a private word is a barrier both ways.
 */
export function fence(): void {
  if (!KEEPS_ORDER) Atomics.exchange(cell, 0, 0);
}
