// SPDX-License-Identifier: Apache-2.0

/** How long a Worker sleeps before it looks again whether the lock is free. */
const SLICE_MS = 5;
/**
 * Who holds the lock for so many slices was terminated while it did: what is done under it takes microseconds. They are counted,
 * and the time is not measured, because a process that was stopped for a while has no dead Worker.
 */
const LOST_AFTER_SLICES = 400;

/**
 * A lock of the Workers of one process, for what is done seldom. It does not nest.
 *
 * A Worker can be terminated between any two steps, so a lock that does not come free is taken over. What it guards is written so
 * that each step leaves it usable.
 */
export class MemoryLock {
  readonly #words: Int32Array;
  readonly #index: number;
  #key = crypto.getRandomValues(new Int32Array(1))[0]!;

  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** Calls the function alone of all Workers, and returns what it returns. */
  run<T>(work: () => T): T {
    const key = this.#nextKey();
    this.#take(key);
    try {
      return work();
    } finally {
      // Not ours any more after it was taken over.
      if (Atomics.compareExchange(this.#words, this.#index, key, 0) === key) {
        Atomics.notify(this.#words, this.#index, 1);
      }
    }
  }

  /** Another one each time, so that one Worker that takes the lock again and again is not taken for a dead one. */
  #nextKey(): number {
    this.#key = (this.#key + 1) | 0;
    return this.#key === 0 ? ++this.#key : this.#key;
  }

  #take(key: number): void {
    let holder = 0;
    let slices = 0;
    while (true) {
      const found = Atomics.compareExchange(this.#words, this.#index, 0, key);
      if (found === 0) return;
      slices = found === holder ? slices + 1 : 0;
      holder = found;
      if (slices >= LOST_AFTER_SLICES) {
        if (Atomics.compareExchange(this.#words, this.#index, found, key) === found) return;
      }
      Atomics.wait(this.#words, this.#index, found, SLICE_MS);
    }
  }
}
