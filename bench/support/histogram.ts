// SPDX-License-Identifier: Apache-2.0

/** Where a distribution is looked at: the parts of all samples, in the order of `bench/floor/floor.h`. */
export const PERCENTILE_PARTS = {
  p10: 0.1,
  p25: 0.25,
  p50: 0.5,
  p75: 0.75,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p995: 0.995,
  p999: 0.999,
  p9995: 0.9995,
  p9999: 0.9999,
} as const;

/** The name of one figure of a distribution. */
export type PercentileName = keyof typeof PERCENTILE_PARTS | "max";

/** What the benches report of a distribution, in the unit of the samples. */
export type Percentiles = Readonly<Record<PercentileName, number>>;

/** The names of all figures of a distribution, from low to high. */
export const PERCENTILE_NAMES: readonly PercentileName[] = [
  ...Object.keys(PERCENTILE_PARTS) as (keyof typeof PERCENTILE_PARTS)[],
  "max",
];

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
    const parts = Object.entries(PERCENTILE_PARTS).map(([name, part]) => [name, this.#at(part) * factor]);
    return { ...Object.fromEntries(parts), max: this.#max * factor } as Percentiles;
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
