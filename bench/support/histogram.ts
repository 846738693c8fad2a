// SPDX-License-Identifier: Apache-2.0

/** What the benches report of a distribution, in the unit of the samples. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const STEPS = 256;
const BUCKETS = STEPS * 40;

/**
 * A histogram of non-negative numbers below 2^31: exact below 256, then 256 steps for each power of two (0.4 %), as in
 * `bench/floor/floor.h`. Adding allocates nothing.
 */
export class Histogram {
  readonly #buckets: Float64Array = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  /** Samples added so far. */
  get count(): number {
    return this.#count;
  }

  /** Adds one sample. */
  add(sample: number): void {
    const value = Math.min(sample, 0x7fffffff) | 0;
    this.#buckets[bucketOf(value)]++;
    this.#count++;
    if (sample > this.#max) this.#max = sample;
  }

  /** The percentiles, each multiplied by `factor`. */
  percentiles(factor: number = 1): Percentiles {
    return {
      p50: this.#at(0.5) * factor,
      p90: this.#at(0.9) * factor,
      p99: this.#at(0.99) * factor,
      p999: this.#at(0.999) * factor,
      max: this.#max * factor,
    };
  }

  #at(part: number): number {
    const wanted = part * this.#count;
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i];
      if (seen >= wanted) return lowerEdge(i);
    }
    return this.#max;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return value;
  const power = 31 - Math.clz32(value);
  return (power - 7) * STEPS + (value >> (power - 8)) - STEPS;
}

function lowerEdge(bucket: number): number {
  if (bucket < STEPS) return bucket;
  return (bucket % STEPS + STEPS) * 2 ** (Math.floor(bucket / STEPS) - 1);
}
