// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same in every run, so that a failure can be looked at again: xorshift32 by Marsaglia.

/** A seeded generator. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + this.bits() % (high - low + 1);
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.bits() % list.length]!;
  }

  /** 64 random bits, often with few of them set, so that ends of ranges turn up. */
  bits64(): bigint {
    const value = (BigInt(this.bits()) << 32n) | BigInt(this.bits());
    return value >> BigInt(this.integer(0, 63));
  }
}
